import { type Api, Refused } from "./api";
import { Pause, backoff } from "./backoff";
import { EventParser, type ServerEvent } from "./sse";

const SILENCE = 40_000; // milliseconds; the server sends a comment every 15 seconds

export interface StreamListener {
  event(event: ServerEvent): void;
  connected(yes: boolean): void;
  /** 401: the server does not know `token` (any more). */
  expired(token: string): void;
}

/** The assistant's events, for as long as it is wanted: comes back after a drop and goes on after the last event seen. */
export class EventStream {
  private running: AbortController | null = null;
  private connection: AbortController | null = null;
  private lastId: string | null = null;
  private lastByte = 0;
  private readonly pause = new Pause();

  constructor(
    private readonly api: Api,
    private readonly listener: StreamListener,
  ) {}

  start(token: string): void {
    if (this.running) return;
    this.running = new AbortController();
    void this.run(token, this.running.signal);
  }

  stop(): void {
    this.running?.abort();
    this.connection?.abort();
    this.pause.cut();
    this.running = null;
  }

  /** Another conversation: its events are counted anew. */
  forget(): void {
    this.stop();
    this.lastId = null;
  }

  /** What was seen up to now is gone from the screen: nothing that comes is a repeat. */
  startOver(): void {
    this.lastId = null;
  }

  /** How long nothing has come, in milliseconds; without a stream so far, no time at all. */
  get silence(): number {
    return this.lastByte ? Date.now() - this.lastByte : 0;
  }

  /** The page woke up or the network came back: look at once, not at the next timer. */
  wake(): void {
    if (this.silence > SILENCE) this.connection?.abort();
    this.pause.cut();
  }

  private async run(token: string, stopped: AbortSignal): Promise<void> {
    for (let attempt = 0; !stopped.aborted; attempt++) {
      const before = this.lastByte;
      let asked = 0;
      try {
        await this.readOnce(token);
      } catch (error) {
        if (stopped.aborted) return;
        if (error instanceof Refused && error.status === 401) return this.listener.expired(token);
        if (error instanceof Refused) asked = error.retryAfter ?? 0;
      }
      if (stopped.aborted) return;
      this.listener.connected(false);
      if (this.lastByte !== before) attempt = 0;
      await this.pause.wait(Math.max(backoff(attempt), asked));
    }
  }

  private async readOnce(token: string): Promise<void> {
    const connection = new AbortController();
    this.connection = connection;
    let silence = setTimeout(() => connection.abort(), SILENCE);
    try {
      const body = await this.api.openEvents(token, this.lastId, connection.signal);
      const reader = body.getReader();
      const decoder = new TextDecoder();
      const parser = new EventParser();
      this.listener.connected(true);
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        clearTimeout(silence);
        silence = setTimeout(() => connection.abort(), SILENCE);
        this.lastByte = Date.now();
        parser.push(decoder.decode(part.value, { stream: true })).forEach((event) => this.take(event));
      }
    } finally {
      clearTimeout(silence);
    }
  }

  private take(event: ServerEvent): void {
    if (event.id !== null) {
      if (this.lastId !== null && Number(event.id) <= Number(this.lastId)) return; // seen before the drop
      this.lastId = event.id;
    }
    this.listener.event(event);
  }
}
