import { Chat, type Connection } from "./chat";
import { accentRule } from "./color";
import { type Options, readOptions } from "./options";
import type { Choice, Message, Outgoing } from "./protocol";
import type { SendState } from "./outbox";
import { Stored } from "./store";
import styles from "./style.css";
import { Clock } from "./time";
import { Composer } from "./view/composer";
import { h, icon, spoken } from "./view/dom";
import { Log } from "./view/log";
import { Panel } from "./view/panel";
import { Enlarger } from "./view/picture";
import { adopt } from "./view/styles";

const PATIENCE = 3_000; // milliseconds; a shorter break in the connection is not worth a word
const ROOM_BESIDE = "(min-width: 800px)"; // by itself it opens only where it does not cover the page

/** `<chartline-chat>`: the launcher and the panel with one conversation. `open()` and `close()` are for the page. */
export class ChartlineChat extends HTMLElement {
  static defaultServer = location.origin;

  private options!: Options;
  private chat!: Chat;
  private panel!: Panel;
  private log!: Log;
  private composer!: Composer;
  private enlarger!: Enlarger;
  private launcher!: HTMLButtonElement;
  private readonly badge = h("span", { class: "badge", hidden: true });
  private unread = 0;
  private remembered!: Stored;
  private reconnecting: ReturnType<typeof setTimeout> | undefined;
  private leaving: AbortController | null = null;

  connectedCallback(): void {
    if (!this.shadowRoot) this.build();
    this.leaving = new AbortController();
    const { signal } = this.leaving;
    addEventListener("online", () => this.chat.online(), { signal });
    addEventListener("offline", () => this.chat.offline(), { signal });
    addEventListener("pagehide", () => this.chat.suspend(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.panel.isOpen && this.chat.resume(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.chat.wake(), { signal });
    this.start();
  }

  disconnectedCallback(): void {
    this.leaving?.abort();
    this.chat.suspend();
  }

  /** Opens the panel and puts the focus in it. */
  open(): void {
    this.reveal();
    if (matchMedia("(pointer: coarse)").matches) this.panel.focus(); // a phone's keyboard would hide half the chat
    else this.composer.focus();
  }

  close(): void {
    this.panel.close();
  }

  private build(): void {
    this.options = readOptions(this, ChartlineChat.defaultServer);
    const { server, strings, locale, language } = this.options;
    this.remembered = new Stored("sessionStorage", `chartline:open:${server}`);
    this.chat = new Chat(server, {
      show: (message) => this.show(message),
      showOwn: (outgoing, state) => this.showOwn(outgoing, state),
      typing: (on) => this.log.typing(on),
      connection: (state) => this.connection(state),
      ended: () => this.empty(strings.ended),
      locked: () => this.empty(),
    });
    this.enlarger = new Enlarger(strings);
    const context = {
      strings,
      server,
      clock: new Clock(locale),
      choose: (choice: Choice) => this.choose(choice),
      enlarge: (image: HTMLImageElement) => this.enlarger.show(image),
    };
    this.log = new Log(context, this.welcome(), (outgoing) => this.chat.retry(outgoing));
    this.composer = new Composer(strings, (text) => this.chat.say(text));
    const parts = { log: this.log.element, composer: this.composer.element };
    this.panel = new Panel(this.options, parts, () => this.closed());
    this.launcher = this.launcherButton();
    const root = this.attachShadow({ mode: "open" });
    root.append(h("div", { class: "root", lang: language }, this.launcher, this.panel.element, this.enlarger.element));
    this.paint(root);
  }

  private start(): void {
    const { mode, open } = this.options;
    const before = this.remembered.get();
    const wanted = before === null ? open && matchMedia(ROOM_BESIDE).matches : before === "yes";
    if (wanted || mode === "page") this.reveal();
  }

  private reveal(): void {
    if (!this.panel.isOpen || this.options.mode === "page") {
      if (this.chat.begun) this.log.loading();
      this.chat.resume();
    }
    this.panel.present();
    this.launcher.hidden = true;
    this.setUnread(0);
    this.log.toEnd();
    this.remembered.set("yes");
  }

  private closed(): void {
    this.remembered.set("no");
    this.launcher.hidden = false;
    this.launcher.focus({ preventScroll: true });
  }

  /** Nothing of the conversation stays on the screen: no message, no enlarged picture, no forgotten draft. */
  private empty(notice?: string): void {
    this.enlarger.close();
    this.composer.forget();
    this.log.reset(notice);
    this.setUnread(0);
  }

  private show(message: Message): void {
    this.log.show(message);
    if (!this.panel.isOpen && message.from === "assistant") this.setUnread(this.unread + 1);
  }

  private showOwn(outgoing: Outgoing, state: SendState): void {
    this.log.showOwn(outgoing, state);
  }

  private choose(choice: Choice): void {
    this.chat.choose(choice);
    this.log.focus(); // the button that had the focus is disabled now
  }

  private connection(state: Connection): void {
    clearTimeout(this.reconnecting);
    if (state === "reconnecting") this.reconnecting = setTimeout(() => this.panel.connection(state), PATIENCE);
    else this.panel.connection(state);
  }

  private setUnread(count: number): void {
    this.unread = count;
    this.badge.hidden = count === 0;
    this.badge.replaceChildren(String(count), spoken(` ${this.options.strings.unread(count)}`));
  }

  private launcherButton(): HTMLButtonElement {
    const open = () => this.open();
    const words = h("span", { class: "words" }, this.options.strings.launcher);
    const button = h("button", { type: "button", class: "launcher", "aria-haspopup": "dialog", onclick: open });
    button.append(icon("chat"), words, this.badge);
    return button;
  }

  private welcome(): HTMLElement {
    const { strings, suggestions } = this.options;
    const buttons = suggestions.map((text) =>
      h("button", { type: "button", class: "choice", onclick: () => this.suggest(text) }, text),
    );
    const mark = h("span", { class: "mark" }, icon("chat"));
    const hint = h("p", {}, strings.welcomeHint);
    return h("div", { class: "welcome" }, mark, h("h3", {}, strings.welcome), hint, h("div", { class: "choices" }, ...buttons));
  }

  private suggest(text: string): void {
    this.chat.say(text);
    this.log.focus();
  }

  private paint(root: ShadowRoot): void {
    const accent = adopt(root, styles);
    const prefersDark = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => {
      const { theme } = this.dataset;
      const dark = theme === "dark" || (theme !== "light" && prefersDark.matches);
      root.firstElementChild?.classList.toggle("dark", dark);
      accent(accentRule(this.options.color, dark));
    };
    prefersDark.addEventListener("change", apply);
    new MutationObserver(apply).observe(this, { attributeFilter: ["data-theme"] });
    apply();
  }
}
