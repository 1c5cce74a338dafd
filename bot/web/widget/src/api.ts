// The three calls of the web channel.

const ANSWER_WITHIN = 20_000; // milliseconds; a message is sent again after it, with the same id

/** The server answered, and did not take it. `retryAfter` is in milliseconds, where the server named a time. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly retryAfter: number | null = null,
  ) {
    super(`HTTP ${status}`);
  }

  /** Whether the same request may work later. */
  get temporary(): boolean {
    return this.status >= 500 || [408, 425, 429].includes(this.status);
  }
}

export class Api {
  private readonly base: string;

  constructor(server: string) {
    this.base = `${server}/webhooks/web`;
  }

  async createSession(): Promise<string> {
    const response = await this.call("/session", { method: "POST" });
    const { token } = (await response.json()) as { token: string };
    return token;
  }

  async postMessage(token: string, body: object): Promise<void> {
    await this.call("/messages", {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /** The open stream of events after `lastId`; without one the last 50 messages come first. */
  async openEvents(token: string, lastId: string | null, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}`, Accept: "text/event-stream" };
    if (lastId !== null) headers["Last-Event-ID"] = lastId;
    const response = await this.request("/events", { headers, signal });
    if (!response.body) throw new TypeError("the answer has no body");
    return response.body;
  }

  private async call(path: string, init: RequestInit): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_WITHIN);
    try {
      return await this.request(path, { ...init, signal: late.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  private async request(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(this.base + path, { cache: "no-store", credentials: "omit", ...init });
    if (!response.ok) throw new Refused(response.status, retryAfter(response));
    return response;
  }
}

function retryAfter(response: Response): number | null {
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return Number.isNaN(seconds) ? null : seconds * 1000;
}
