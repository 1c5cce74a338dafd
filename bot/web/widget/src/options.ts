import { chooseLanguage, stringsFor, type Strings } from "./strings";

export type Mode = "panel" | "page";

/** What a clinic sets by `data-` attributes; README.md has the table. */
export interface Options {
  server: string;
  title: string;
  mode: Mode;
  open: boolean;
  language: string;
  /** BCP 47, for times and dates: the person's own region where it speaks the widget's language. */
  locale: string;
  color: string;
  suggestions: string[];
  emergency: string;
  strings: Strings;
}

export function readOptions(element: HTMLElement, defaultServer: string): Options {
  const { server, title, mode, open, lang, color, suggestions, emergency } = element.dataset;
  const language = chooseLanguage([lang || document.documentElement.lang || navigator.language]);
  const strings = stringsFor(language);
  return {
    server: server ? new URL(server, location.href).origin : defaultServer,
    title: title || strings.title,
    mode: mode === "page" ? "page" : "panel",
    open: open === "true",
    language,
    locale: navigator.languages.find((tag) => chooseLanguage([tag]) === language && tag.startsWith(language)) ?? language,
    color: color ?? "",
    suggestions: suggestions?.split("|").map((one) => one.trim()).filter(Boolean) ?? strings.suggestions,
    emergency: emergency || "911",
    strings,
  };
}
