import type { Strings } from "../strings";
import { h, icon } from "./dom";

const LONGEST = 4_000; // characters, as the server counts them: code points
const COUNT_FROM = 3_600;
const AT_WORK = 60_000; // milliseconds; who typed that recently is still there

/** Where the person writes: grows with the text, Enter sends, Shift+Enter is a new line. */
export class Composer {
  readonly element: HTMLFormElement;
  private readonly input: HTMLTextAreaElement;
  private readonly button: HTMLButtonElement;
  private typedAt = 0;
  private readonly counter = h("div", { class: "counter", id: "counter", role: "status" });

  constructor(
    private readonly strings: Strings,
    private readonly send: (text: string) => void,
  ) {
    this.input = h("textarea", {
      rows: "1",
      dir: "auto",
      placeholder: strings.placeholder,
      "aria-label": strings.placeholder,
      "aria-describedby": "counter",
      enterkeyhint: "send",
      autocomplete: "off",
    });
    this.button = h("button", { class: "round send", "aria-label": strings.send, disabled: true }, icon("send"));
    const field = h("div", { class: "field" }, this.input, this.button);
    this.element = h("form", { class: "composer" }, this.counter, field);
    this.element.addEventListener("submit", (event) => this.submit(event));
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.input.addEventListener("input", () => {
      this.typedAt = Date.now();
      this.changed();
    });
  }

  /** A draft that somebody left behind goes; one that is being written stays. */
  forget(): void {
    if (Date.now() - this.typedAt < AT_WORK) return;
    this.input.value = "";
    this.changed();
  }

  focus(): void {
    this.input.focus({ preventScroll: true });
  }

  private pressed(event: KeyboardEvent): void {
    const composing = event.isComposing || event.keyCode === 229; // an input method is still choosing letters
    if (event.key === "Enter" && !event.shiftKey && !composing) this.submit(event);
  }

  private submit(event: Event): void {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || lengthOf(text) > LONGEST) return;
    this.input.value = "";
    this.changed();
    this.send(text);
  }

  private changed(): void {
    const length = lengthOf(this.input.value.trim());
    const tooLong = length > LONGEST;
    this.button.disabled = length === 0 || tooLong;
    this.input.setAttribute("aria-invalid", String(tooLong));
    this.counter.classList.toggle("over", tooLong);
    this.counter.textContent = length <= COUNT_FROM ? "" : this.remaining(LONGEST - length);
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }

  private remaining(count: number): string {
    return count < 0 ? this.strings.tooLong(-count) : this.strings.left(count);
  }
}

const lengthOf = (text: string): number => [...text].length;
