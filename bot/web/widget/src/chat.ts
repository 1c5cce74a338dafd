import { Api, Refused } from "./api";
import { Outbox, type SendState } from "./outbox";
import { type Choice, type Message, type Outgoing, bodyOf, parseEvent } from "./protocol";
import { Session } from "./session";
import { Stored } from "./store";
import { EventStream } from "./stream";
import { newId } from "./uuid";

const ASLEEP = 15 * 60_000; // milliseconds without a word of the server: it may have locked the chat meanwhile

/** `busy`: the server asks to wait before a new conversation begins. */
export type Connection = "good" | "reconnecting" | "offline" | "busy";

/** What the conversation needs of whoever shows it. */
export interface ChatView {
  show(message: Message): void;
  showOwn(outgoing: Outgoing, state: SendState): void;
  typing(on: boolean): void;
  connection(state: Connection): void;
  /** The conversation is over on the server: nothing of it stays on the screen. */
  ended(): void;
  /** What was shown may not be read by who is there now: nothing of it stays on the screen. */
  locked(): void;
}

/** One conversation with the assistant: session, messages out, events in. Knows nothing of the screen. */
export class Chat {
  private readonly api: Api;
  private readonly session: Session;
  private readonly outbox: Outbox;
  private readonly stream: EventStream;
  private listening = false;
  private waiting = false;

  constructor(
    server: string,
    private readonly view: ChatView,
  ) {
    this.api = new Api(server);
    this.session = new Session(this.api, new Stored("localStorage", `chartline:token:${server}`));
    this.outbox = new Outbox(
      new Stored("sessionStorage", `chartline:queue:${server}`),
      (outgoing) => this.deliver(outgoing),
      (outgoing, state) => this.changed(outgoing, state),
    );
    this.stream = new EventStream(this.api, {
      event: ({ data }) => this.receive(data),
      connected: (yes) => this.connected(yes),
      expired: (token) => this.expire(token),
    });
  }

  /** Whether a conversation goes on: in this browser, or in what waits to be sent. */
  get begun(): boolean {
    return this.session.current !== null || this.outbox.waiting.length > 0;
  }

  /** Takes up the conversation that is there. A new one begins with the first message, not with a visit. */
  resume(): void {
    this.listening = true;
    this.listen();
    this.outbox.resume();
    if (!navigator.onLine) this.view.connection("offline");
  }

  /** The page goes to sleep. */
  suspend(): void {
    this.listening = false;
    this.stream.stop();
  }

  say(text: string): void {
    this.send({ id: newId(), text, at: Date.now() });
  }

  choose({ id, title }: Choice): void {
    this.send({ id: newId(), text: title, choice: id, at: Date.now() });
  }

  retry(outgoing: Outgoing): void {
    this.outbox.add(outgoing);
  }

  online(): void {
    this.view.connection("good");
    this.wake();
  }

  offline(): void {
    this.view.connection("offline");
  }

  wake(): void {
    if (this.stream.silence > ASLEEP) this.lock(); // the screen must not wait for the network
    this.stream.wake();
    this.outbox.resume();
  }

  private send(outgoing: Outgoing): void {
    this.listening = true;
    this.view.showOwn(outgoing, "sending");
    this.outbox.add(outgoing);
  }

  private listen(): void {
    if (this.listening && this.session.current) this.stream.start(this.session.current);
  }

  private async deliver(outgoing: Outgoing): Promise<void> {
    const token = await this.obtain();
    this.listen();
    try {
      await this.api.postMessage(token, bodyOf(outgoing));
    } catch (error) {
      if (error instanceof Refused && error.status === 401) this.expire(token);
      throw error;
    }
  }

  private changed(outgoing: Outgoing, state: SendState): void {
    if (state === "failed") this.calm();
    this.view.showOwn(outgoing, state);
  }

  private calm(): void {
    if (this.waiting) this.view.connection("good");
    this.waiting = false;
  }

  private async obtain(): Promise<string> {
    try {
      const token = await this.session.obtain();
      this.calm();
      return token;
    } catch (error) {
      this.waiting = error instanceof Refused && error.status === 429;
      if (this.waiting) this.view.connection("busy");
      throw error;
    }
  }

  private receive(data: string): void {
    const event = parseEvent(data);
    if (event?.type === "typing") this.view.typing(event.on);
    if (event?.type === "lock") this.lock();
    if (event?.type !== "message") return;
    if (event.message.from === "patient") this.outbox.confirm(event.message.id);
    this.view.show(event.message);
  }

  private lock(): void {
    this.stream.startOver();
    this.outbox.dropChoices();
    this.view.locked();
    for (const outgoing of this.outbox.waiting) this.view.showOwn(outgoing, "sending");
  }

  private connected(yes: boolean): void {
    if (!yes) this.view.typing(false);
    this.view.connection(yes ? "good" : navigator.onLine ? "reconnecting" : "offline");
    if (yes) this.outbox.resume();
  }

  private expire(token: string): void {
    if (token !== this.session.current) return;
    this.session.expire(token);
    this.stream.forget();
    this.outbox.dropChoices();
    this.view.ended();
    for (const outgoing of this.outbox.waiting) this.view.showOwn(outgoing, "sending");
    this.listen();
  }
}
