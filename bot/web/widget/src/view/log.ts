import type { SendState } from "../outbox";
import type { Message, Outgoing } from "../protocol";
import { sameDay } from "../time";
import { h, icon } from "./dom";
import { type MessageContext, MessageView } from "./message";

const NEAR = 48; // pixels from the end that still count as the end
const SETTLED = 400; // milliseconds without a message after which the history is all there

/** The conversation: messages in order, followed to its end unless the person has scrolled up. */
export class Log {
  readonly element: HTMLElement;
  private readonly list = h("div", { class: "list" });
  private readonly scroller: HTMLElement;
  private readonly pill: HTMLButtonElement;
  private readonly typingDots: HTMLElement;
  private readonly typingWords = h("div", { class: "spoken", role: "status" });
  private messages: MessageView[] = [];
  private readonly own = new Map<string, MessageView>();
  private following = true;
  private missed = 0;
  private today = new Date();
  private settling: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly context: MessageContext,
    private readonly welcome: HTMLElement,
    private readonly retry: (outgoing: Outgoing) => void,
  ) {
    const { strings } = context;
    this.typingDots = h("div", { class: "typing", hidden: true, "aria-hidden": "true" }, ...[1, 2, 3].map(() => h("i")));
    this.list.setAttribute("role", "log");
    this.list.setAttribute("aria-live", "polite");
    this.list.setAttribute("aria-label", strings.conversation);
    this.scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": strings.conversation });
    this.scroller.append(welcome, this.list, this.typingDots);
    this.pill = h("button", { type: "button", class: "pill", hidden: true, onclick: () => this.toEnd() });
    this.element = h("div", { class: "log" }, this.scroller, this.pill, this.typingWords);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.following && this.toEnd()).observe(this.scroller);
  }

  /** The history is coming: it is not read out message by message. */
  loading(): void {
    this.welcome.hidden = true;
    this.list.setAttribute("aria-busy", "true");
    this.settle(10 * SETTLED);
  }

  show(message: Message): void {
    const known = message.from === "patient" ? this.own.get(message.id) : undefined;
    if (known) this.anchor(known, message);
    const view = known ?? this.add(message);
    if (message.from === "patient") this.setState(view, { id: message.id, text: message.text, at: 0 }, "sent");
    if (this.list.hasAttribute("aria-busy")) this.settle(SETTLED);
  }

  showOwn(outgoing: Outgoing, state: SendState): void {
    const { id, text } = outgoing;
    const known = this.own.get(id);
    const at = new Date(outgoing.at);
    const view = known ?? this.add({ id, from: "patient", text, choices: [], links: [], picture: null, at }, true);
    this.setState(view, outgoing, state);
    if (!known) this.toEnd();
  }

  typing(on: boolean): void {
    this.typingDots.hidden = !on;
    this.typingWords.textContent = on ? this.context.strings.typing : "";
    if (this.following) this.toEnd();
  }

  /** Empties the log; with a notice, that one line is left in it. */
  reset(notice?: string): void {
    this.messages = [];
    this.own.clear();
    this.list.replaceChildren(...(notice ? [h("p", { class: "notice" }, notice)] : []));
    this.typing(false);
    this.toEnd();
  }

  focus(): void {
    this.scroller.focus({ preventScroll: true });
  }

  toEnd(): void {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.following = true;
    this.setMissed(0);
  }

  private add(message: Message, unsent = false): MessageView {
    this.welcome.hidden = true;
    const view = new MessageView(message, this.context);
    if (message.from === "patient") this.own.set(message.id, view);
    this.supersede(message);
    this.insert(view, unsent ? this.messages.length : this.endOfSent());
    if (this.following) this.reveal(view);
    else if (message.from === "assistant") this.setMissed(this.missed + 1);
    return view;
  }

  /** The order is the server's: what it does not have yet stands below. */
  private endOfSent(): number {
    let end = this.messages.length;
    while (end > 0 && this.messages[end - 1]?.unsent) end--;
    return end;
  }

  private insert(view: MessageView, place: number): void {
    this.list.insertBefore(view.element, this.messages[place]?.element ?? null);
    this.messages.splice(place, 0, view);
    if (!sameDay(this.today, new Date())) {
      this.today = new Date();
      this.messages.forEach((_, index) => this.fit(index));
    }
    this.fit(place);
    this.fit(place + 1);
  }

  /** The server's own event of what the person wrote here: from now on its place and time are the server's. */
  private anchor(view: MessageView, message: Message): void {
    view.setTime(message.at);
    this.supersede(message);
    const place = this.messages.indexOf(view);
    this.messages.splice(place, 1);
    const end = this.endOfSent();
    if (end <= place) this.messages.splice(place, 0, view);
    else this.insert(view, end);
    this.fit(place);
  }

  /** What a message shows depends on the one before: its day heading, and whose time can be left out. */
  private fit(index: number): void {
    const view = this.messages[index];
    if (!view) return;
    const before = this.messages[index - 1];
    const newDay = !before || !sameDay(before.at, view.at);
    view.setDay(newDay ? this.context.clock.day(view.at) : null);
    const { clock } = this.context;
    before?.join(!newDay && before.from === view.from && clock.time(before.at) === clock.time(view.at));
  }

  private supersede({ from, text, choices }: Message): void {
    if (from === "assistant" && !choices.length) return;
    for (const view of this.messages) view.supersede(from === "patient" ? text : null);
  }

  private setState(view: MessageView, outgoing: Outgoing, state: SendState): void {
    view.setState(state, () => this.retry(outgoing));
  }

  /** To the end, but a message longer than the window is shown from its start. */
  private reveal({ element }: MessageView): void {
    const long = element.offsetHeight > this.scroller.clientHeight - NEAR;
    if (!long || this.list.hasAttribute("aria-busy")) return this.toEnd();
    this.scroller.scrollTop = element.offsetTop;
    this.scrolled();
  }

  private scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.following = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.following) this.setMissed(0);
  }

  private setMissed(count: number): void {
    this.missed = count;
    this.pill.hidden = count === 0;
    if (count) this.pill.replaceChildren(icon("down"), this.context.strings.newMessages(count));
  }

  private settle(after: number): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settled(), after);
  }

  /** The history is there. Who was led here to read a long answer begins at its start, as with any other. */
  private settled(): void {
    this.list.removeAttribute("aria-busy");
    const last = this.messages.at(-1);
    if (this.following && last?.from === "assistant") this.reveal(last);
  }
}
