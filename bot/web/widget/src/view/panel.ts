import type { Connection } from "../chat";
import type { Options } from "../options";
import { h, icon } from "./dom";

const NARROW = "(max-width: 480px), (max-height: 400px)";

/**
 * The window around the conversation. On a wide screen a dialog beside the page, which stays usable; on a narrow one
 * (a phone, 400 % zoom) it covers the page and so is modal. In page mode a plain region that is always there.
 */
export class Panel {
  readonly element: HTMLDialogElement | HTMLElement;
  private readonly heading: HTMLHeadingElement;
  private readonly banner = h("div", { class: "banner", role: "status" });
  private readonly narrow = matchMedia(NARROW);

  constructor(
    private readonly options: Options,
    parts: { log: HTMLElement; composer: HTMLElement },
    private readonly closed: () => void,
  ) {
    this.heading = h("h2", { id: "title", tabindex: "-1" }, options.title);
    this.element = h(options.mode === "page" ? "section" : "dialog", { class: "panel", "aria-labelledby": "title" });
    this.element.append(this.header(), parts.log, this.banner, parts.composer, this.footer());
    this.element.addEventListener("keydown", (event) => this.pressed(event as KeyboardEvent));
    this.element.addEventListener("cancel", (event) => this.cancelled(event));
    this.narrow.addEventListener("change", () => this.isOpen && this.present());
    window.visualViewport?.addEventListener("resize", () => this.fitKeyboard());
  }

  get isOpen(): boolean {
    return this.options.mode === "page" || (this.element as HTMLDialogElement).open;
  }

  /** Opens it without moving the focus, unless it covers the page. */
  present(): void {
    if (!(this.element instanceof HTMLDialogElement)) return;
    const focused = (this.element.getRootNode() as ShadowRoot).activeElement as HTMLElement | null;
    if (this.element.open) this.element.close();
    if (this.narrow.matches) this.element.showModal();
    else this.element.open = true;
    if (focused) focused.focus({ preventScroll: true });
    else if (this.narrow.matches) this.focus();
  }

  close(): void {
    if (!(this.element instanceof HTMLDialogElement)) return;
    this.element.close();
    this.closed();
  }

  focus(): void {
    this.heading.focus({ preventScroll: true });
  }

  connection(state: Connection): void {
    const { offline, reconnecting, busy } = this.options.strings;
    this.banner.textContent = { good: "", offline, reconnecting, busy }[state];
  }

  private header(): HTMLElement {
    const { strings, mode } = this.options;
    const names = h("div", { class: "names" }, this.heading, h("p", {}, strings.subtitle));
    const close = h("button", { type: "button", class: "round", "aria-label": strings.close, onclick: () => this.close() });
    close.append(icon("close"));
    return h("div", { class: "head" }, h("span", { class: "mark" }, icon("chat")), names, ...(mode === "page" ? [] : [close]));
  }

  private footer(): HTMLElement {
    return h("div", { class: "foot" }, this.options.strings.emergency(this.options.emergency));
  }

  private pressed(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing || this.options.mode === "page") return;
    event.preventDefault();
    this.close();
  }

  private cancelled(event: Event): void {
    if (event.target !== this.element) return; // the enlarged picture's own
    event.preventDefault();
    this.close();
  }

  /** A phone's keyboard covers the lower end of a fixed panel unless the panel takes the visible height. */
  private fitKeyboard(): void {
    this.element.style.setProperty("--visible", `${window.visualViewport?.height}px`);
  }
}
