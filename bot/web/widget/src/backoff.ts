const FIRST = 1_000; // milliseconds
const LONGEST = 30_000;

/** How long to wait before try number `attempt` + 1: doubling, and random, so that many pages do not come back at once. */
export function backoff(attempt: number): number {
  const ceiling = Math.min(LONGEST, FIRST * 2 ** attempt);
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

/** A pause that can be cut short. */
export class Pause {
  private end: (() => void) | null = null;

  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.end?.(), milliseconds);
      this.end = () => {
        clearTimeout(timer);
        this.end = null;
        resolve();
      };
    });
  }

  cut(): void {
    this.end?.();
  }
}
