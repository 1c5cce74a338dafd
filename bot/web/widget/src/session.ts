import type { Api } from "./api";
import type { Stored } from "./store";

/** The conversation's opaque token: kept over a reload, made when the first message needs it. */
export class Session {
  private token: string | null;
  private creating: Promise<string> | null = null;

  constructor(
    private readonly api: Api,
    private readonly stored: Stored,
  ) {
    this.token = stored.get();
  }

  get current(): string | null {
    return this.token;
  }

  obtain(): Promise<string> {
    if (this.token) return Promise.resolve(this.token);
    this.creating ??= this.create().finally(() => (this.creating = null));
    return this.creating;
  }

  /** The server no longer knows `token`. Another tab may have a newer one by now; then that is taken up. */
  expire(token: string): void {
    if (token !== this.token) return;
    const stored = this.stored.get();
    this.token = stored === token ? null : stored;
    if (!this.token) this.stored.set(null);
  }

  private async create(): Promise<string> {
    this.token = await this.api.createSession();
    this.stored.set(this.token);
    return this.token;
  }
}
