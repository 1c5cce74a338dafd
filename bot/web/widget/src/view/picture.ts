import type { Picture } from "../protocol";
import type { Strings } from "../strings";
import { h, icon } from "./dom";

interface PictureContext {
  strings: Strings;
  server: string;
  enlarge(image: HTMLImageElement): void;
}

const INLINE = /^data:image\/(png|jpeg|gif|webp);base64,/i;

/** The picture, to be enlarged by a tap, and the same in words. Nothing for an address that is neither web nor image data. */
export function pictureFigure({ src, alt }: Picture, { strings, server, enlarge }: PictureContext): HTMLElement[] {
  const address = INLINE.test(src) ? src : new URL(src, server).href;
  if (!INLINE.test(src) && !/^https?:/.test(address)) return [];
  const image = h("img", { src: address, alt, decoding: "async" });
  const button = h("button", { type: "button", class: "picture", onclick: () => enlarge(image) }, image);
  button.setAttribute("aria-label", `${alt}. ${strings.enlarge}`);
  const words = h("details", {}, h("summary", {}, strings.asText), h("p", { dir: "auto" }, alt));
  return [h("figure", {}, button, ...(alt ? [words] : []))];
}

/** The picture over the whole page. A native modal dialog: it holds the focus, closes by Esc and gives the focus back. */
export class Enlarger {
  readonly element: HTMLDialogElement;
  private readonly place = h("div", { class: "enlarged" });

  constructor(strings: Strings) {
    const close = () => this.element.close();
    const button = h("button", { type: "button", class: "round", "aria-label": strings.closePicture, onclick: close });
    button.append(icon("close"));
    this.element = h("dialog", { class: "enlarger", onclick: (event) => event.target === this.element && close() });
    this.element.append(button, this.place);
  }

  show(image: HTMLImageElement): void {
    this.place.replaceChildren(h("img", { src: image.src, alt: image.alt }));
    this.element.setAttribute("aria-label", image.alt);
    this.element.showModal();
  }

  /** Closed, and without the picture. */
  close(): void {
    this.element.close();
    this.place.replaceChildren();
  }
}
