import type { SendState } from "../outbox";
import type { Choice, Link, Message } from "../protocol";
import type { Strings } from "../strings";
import type { Clock } from "../time";
import { h, icon, spoken } from "./dom";
import { pictureFigure } from "./picture";

export interface MessageContext {
  strings: Strings;
  clock: Clock;
  server: string;
  choose(choice: Choice): void;
  enlarge(image: HTMLImageElement): void;
}

/** One message on the screen. */
export class MessageView {
  readonly element: HTMLElement;
  readonly from: Message["from"];
  at: Date;
  unsent = false;
  private readonly day = h("h3", { class: "day", hidden: true });
  private readonly time = h("time");
  private readonly state = h("span", { class: "state" });
  private readonly choices: HTMLButtonElement[];

  constructor(
    message: Message,
    private readonly context: MessageContext,
  ) {
    this.from = message.from;
    this.at = message.at;
    this.choices = message.choices.map((choice) => this.choiceButton(choice));
    this.element = h("div", { class: `message ${message.from}` }, this.day, ...this.parts(message), this.meta());
    this.setTime(message.at);
  }

  setTime(at: Date): void {
    this.at = at;
    this.time.dateTime = at.toISOString();
    this.time.textContent = this.context.clock.time(at);
  }

  /** The day as a heading above the message, or none where the message before is of the same day. */
  setDay(label: string | null): void {
    this.day.hidden = label === null;
    this.day.textContent = label ?? "";
  }

  /** The time is said once for messages of one minute. */
  join(next: boolean): void {
    this.element.classList.toggle("joined", next);
  }

  setState(state: SendState, retry: () => void): void {
    const { sending, sent, failed } = this.context.strings;
    this.unsent = state !== "sent";
    this.element.classList.toggle("failed", state === "failed");
    if (state === "sending") this.state.replaceChildren(sending);
    else if (state === "sent") this.state.replaceChildren(icon("check"), spoken(sent));
    else this.state.replaceChildren(h("button", { type: "button", class: "retry", onclick: retry }, icon("retry"), failed));
  }

  /** Something newer stands below: the choices can no longer be taken. `answer` is what the person said instead. */
  supersede(answer: string | null): void {
    for (const button of this.choices.filter(({ disabled }) => !disabled)) {
      button.disabled = true;
      if (answer === null || button.textContent !== answer) continue;
      button.classList.add("chosen");
      button.append(icon("check"), spoken(` (${this.context.strings.chosen})`));
    }
  }

  private parts(message: Message): HTMLElement[] {
    const { strings } = this.context;
    const parts: HTMLElement[] = [];
    if (message.text) {
      const who = spoken(`${message.from === "patient" ? strings.you : strings.assistant} `);
      parts.push(h("div", { class: "bubble" }, who, h("p", { dir: "auto" }, message.text)));
    }
    if (message.picture) parts.push(...pictureFigure(message.picture, this.context));
    const links = message.links.flatMap((link) => this.linkButton(link) ?? []);
    if (links.length) parts.push(h("div", { class: "links" }, ...links));
    if (this.choices.length) {
      parts.push(h("div", { class: "choices", role: "group", "aria-label": strings.choices }, ...this.choices));
    }
    return parts;
  }

  private meta(): HTMLElement {
    return h("div", { class: "meta" }, this.time, this.state);
  }

  private choiceButton(choice: Choice): HTMLButtonElement {
    const choose = () => this.context.choose(choice);
    return h("button", { type: "button", class: "choice", dir: "auto", onclick: choose }, choice.title);
  }

  /** Only pages of the web: a `javascript:` or `data:` address is not shown at all. */
  private linkButton({ title, url }: Link): HTMLAnchorElement | null {
    if (!/^https?:\/\//i.test(url)) return null;
    return h(
      "a",
      { class: "link", href: url, target: "_blank", rel: "noopener noreferrer" },
      h("span", { dir: "auto" }, title || url),
      icon("open"),
      spoken(` (${this.context.strings.newTab})`),
    );
  }
}
