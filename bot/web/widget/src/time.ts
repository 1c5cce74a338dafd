const DAY = 86_400_000;

const midnight = (date: Date): number => new Date(date).setHours(0, 0, 0, 0);

export const sameDay = (one: Date, other: Date): boolean => midnight(one) === midnight(other);

/** How the person reads times and days: "10:42 AM", "Today", "Yesterday", "Tuesday, March 3". */
export class Clock {
  private readonly times: Intl.DateTimeFormat;
  private readonly days: Intl.DateTimeFormat;
  private readonly years: Intl.DateTimeFormat;
  private readonly relative: Intl.RelativeTimeFormat;

  constructor(private readonly locale: string) {
    this.times = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
    this.days = new Intl.DateTimeFormat(locale, { weekday: "long", month: "long", day: "numeric" });
    this.years = new Intl.DateTimeFormat(locale, { year: "numeric", month: "long", day: "numeric" });
    this.relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  }

  time(date: Date): string {
    return this.times.format(date);
  }

  day(date: Date, today = new Date()): string {
    const ago = Math.round((midnight(today) - midnight(date)) / DAY);
    if (ago <= 1) return this.capital(this.relative.format(-Math.max(ago, 0), "day"));
    return (date.getFullYear() === today.getFullYear() ? this.days : this.years).format(date);
  }

  private capital(text: string): string {
    return text.charAt(0).toLocaleUpperCase(this.locale) + text.slice(1);
  }
}
