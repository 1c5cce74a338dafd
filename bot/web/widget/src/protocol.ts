// What the web channel sends, as docs/architecture.md ("The web channel") has it. Unknown fields and types are skipped,
// so that an older widget on a clinic's page goes on working with a newer assistant.

export interface Choice {
  id: string;
  title: string;
}

export interface Link {
  title: string;
  url: string;
}

export interface Picture {
  src: string;
  alt: string;
}

export interface Message {
  /** The patient's own UUID for what the patient wrote; the server's name for what the assistant wrote. */
  id: string;
  from: "patient" | "assistant";
  text: string;
  choices: Choice[];
  links: Link[];
  picture: Picture | null;
  at: Date;
}

export type ChatEvent =
  | { type: "message"; message: Message }
  | { type: "typing"; on: boolean }
  /** Nothing that was shown may be read by who is there now. What may be follows. */
  | { type: "lock" };

/** What one POST of a message carries. `id` makes a repeat harmless. */
export interface Outgoing {
  id: string;
  /** For a choice its title, which the person sees; the server gets `choice` alone. */
  text: string;
  choice?: string;
  /** When the person sent it, in milliseconds since 1970. */
  at: number;
}

export function bodyOf({ id, text, choice }: Outgoing): object {
  return choice === undefined ? { id, text } : { id, choice };
}

type Json = Record<string, unknown>;

const asText = (value: unknown): string => (typeof value === "string" ? value : "");
const asList = (value: unknown): Json[] => (Array.isArray(value) ? value : []);

/** The event in one `data:` field, or null where this widget does not know its type or cannot read it. */
export function parseEvent(data: string): ChatEvent | null {
  let json: Json;
  try {
    json = JSON.parse(data) as Json;
  } catch {
    return null;
  }
  if (json?.type === "typing") return { type: "typing", on: json.on === true };
  if (json?.type === "lock") return { type: "lock" };
  if (json?.type === "message") return { type: "message", message: parseMessage(json) };
  return null;
}

function parseMessage(json: Json): Message {
  const at = new Date(asText(json.at));
  return {
    id: asText(json.message_id),
    from: json.from === "patient" ? "patient" : "assistant",
    text: asText(json.text),
    choices: asList(json.choices).map(({ id, title }) => ({ id: asText(id), title: asText(title) })),
    links: asList(json.links).map(({ title, url }) => ({ title: asText(title), url: asText(url) })),
    picture: parsePicture(json.image),
    at: Number.isNaN(at.getTime()) ? new Date() : at,
  };
}

function parsePicture(json: unknown): Picture | null {
  const { src, alt } = (json ?? {}) as Json;
  return asText(src) ? { src: asText(src), alt: asText(alt) } : null;
}
