// Web storage that may be missing, full or forbidden (private mode, a page in a sandbox): then memory does.

/** One named value. It lives as long as `storage` does, or else as long as the page. */
export class Stored {
  private memory: string | null = null;

  constructor(
    private readonly storage: "localStorage" | "sessionStorage",
    private readonly key: string,
  ) {}

  get(): string | null {
    return this.attempt((storage) => storage.getItem(this.key)) ?? this.memory;
  }

  set(value: string | null): void {
    this.memory = value;
    this.attempt((storage) => (value === null ? storage.removeItem(this.key) : storage.setItem(this.key, value)));
  }

  private attempt<T>(use: (storage: Storage) => T): T | null {
    try {
      return use(window[this.storage]);
    } catch (error) {
      if (error instanceof DOMException) return null;
      throw error;
    }
  }
}
