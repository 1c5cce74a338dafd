// Reads text/event-stream (WHATWG HTML, 9.2.6). `EventSource` cannot send an Authorization header, so fetch does the rest.

export interface ServerEvent {
  /** Null where the event has no `id:` of its own. */
  id: string | null;
  data: string;
}

/** Cuts a stream of text, in pieces of any size, into events. */
export class EventParser {
  private rest = "";
  private id: string | null = null;
  private data: string[] = [];

  push(piece: string): ServerEvent[] {
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.take(line) ?? []);
  }

  private take(line: string): ServerEvent | null {
    if (line === "") return this.dispatch();
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "data") this.data.push(value);
    if (field === "id") this.id = value;
    return null;
  }

  private dispatch(): ServerEvent | null {
    const event = this.data.length ? { id: this.id, data: this.data.join("\n") } : null;
    this.id = null;
    this.data = [];
    return event;
  }
}
