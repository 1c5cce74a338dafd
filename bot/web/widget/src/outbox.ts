import { Refused } from "./api";
import { Pause, backoff } from "./backoff";
import type { Outgoing } from "./protocol";
import type { Stored } from "./store";

export type SendState = "sending" | "sent" | "failed";

const TRIES = 6; // about half a minute, then the person decides
const STALE = 10 * 60_000; // milliseconds; a "yes" of an hour ago must not go out by itself

/**
 * The person's messages on their way, in order, one at a time. Kept for the tab's life, so that a reload loses none;
 * each goes out with the same id until the server has it.
 */
export class Outbox {
  private queue: Outgoing[];
  private busy = false;
  private triesLeft = TRIES;
  private readonly pause = new Pause();

  constructor(
    private readonly stored: Stored,
    private readonly deliver: (outgoing: Outgoing) => Promise<void>,
    private readonly changed: (outgoing: Outgoing, state: SendState) => void,
  ) {
    this.queue = JSON.parse(stored.get() ?? "[]") as Outgoing[];
  }

  get waiting(): readonly Outgoing[] {
    return this.queue;
  }

  /** Sends `outgoing` after all that waits. Also what was given up before: it keeps its id. */
  add(outgoing: Outgoing): void {
    outgoing.at = Date.now();
    if (!this.queue.includes(outgoing)) this.queue.push(outgoing);
    this.save();
    this.resume();
  }

  /** A new reason to try (the connection is back, the person asks): what is fresh goes out, what is old waits for a tap. */
  resume(): void {
    const stale = this.queue.filter(({ at }) => Date.now() - at > STALE);
    for (const outgoing of stale) this.remove(outgoing, "failed");
    this.triesLeft = TRIES;
    this.pause.cut();
    void this.flush();
  }

  /** The server has this one: its own event came back, though perhaps not the answer to the POST. */
  confirm(id: string): void {
    const outgoing = this.queue.find((one) => one.id === id);
    if (outgoing) this.remove(outgoing, "sent");
  }

  /** A choice belongs to the conversation that offered it. */
  dropChoices(): void {
    this.queue = this.queue.filter(({ choice }) => choice === undefined);
    this.save();
  }

  private async flush(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    for (const outgoing of this.queue) this.changed(outgoing, "sending");
    for (let head = this.queue[0]; head && this.triesLeft > 0; head = this.queue[0]) await this.attempt(head);
    this.busy = false;
    for (const outgoing of this.queue) this.changed(outgoing, "failed");
  }

  private async attempt(outgoing: Outgoing): Promise<void> {
    try {
      await this.deliver(outgoing);
      this.triesLeft = TRIES;
      this.remove(outgoing, "sent");
    } catch (error) {
      if (error instanceof Refused && !error.temporary && error.status !== 401) this.remove(outgoing, "failed");
      else await this.waitAfter(error);
    }
  }

  private async waitAfter(error: unknown): Promise<void> {
    const asked = (error instanceof Refused && error.retryAfter) || 0;
    const wait = navigator.onLine ? backoff(TRIES - this.triesLeft--) : backoff(TRIES); // offline is no failed try
    if (this.triesLeft > 0) await this.pause.wait(Math.max(wait, asked));
  }

  private remove(outgoing: Outgoing, state: SendState): void {
    this.queue = this.queue.filter((one) => one !== outgoing);
    this.save();
    this.changed(outgoing, state);
  }

  private save(): void {
    this.stored.set(this.queue.length ? JSON.stringify(this.queue) : null);
  }
}
