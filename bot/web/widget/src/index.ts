// The one script tag. Its data- attributes become those of the <chartline-chat> that it appends.
import { ChartlineChat } from "./element";

const TAG = "chartline-chat";
const script = document.currentScript as HTMLScriptElement | null;
const server = new URL(script?.src || location.href).origin;

/** A <chartline-chat> that stands in the page already is left where the clinic put it. */
function appendUnlessPlaced(): void {
  if (!script || document.querySelector(TAG)) return;
  const element = document.createElement(TAG);
  for (const { name, value } of script.attributes) {
    if (name.startsWith("data-")) element.setAttribute(name, value);
  }
  document.body.append(element);
}

if (!customElements.get(TAG)) {
  ChartlineChat.defaultServer = server;
  customElements.define(TAG, ChartlineChat);
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", appendUnlessPlaced, { once: true });
  } else {
    appendUnlessPlaced();
  }
}
