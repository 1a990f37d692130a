/** Usage of API keys as a picture wants it: one figure for each day, days without requests too. */

export interface DayFigure {
  day: string;
  answered: number;
  refused: number;
}

/** The days from the first to the last, `2026-11-01` and so on, both included. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(`${first}T00:00:00Z`); at <= Date.parse(`${last}T00:00:00Z`); at += 86_400_000) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  return days;
}

/** The sum of all keys for each of the days. */
export function byDay(lines: DayFigure[], days: string[]): DayFigure[] {
  const sums = new Map(days.map((day) => [day, { day, answered: 0, refused: 0 }]));
  for (const line of lines) {
    const sum = sums.get(line.day);
    if (sum === undefined) continue;
    sum.answered += line.answered;
    sum.refused += line.refused;
  }
  return [...sums.values()];
}

/** This month and those before it, by UTC, the newest first: `2026-11`. */
export function lastMonths(now: Date, count: number): string[] {
  return Array.from({ length: count }, (_, back) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7));
}

/** A month's first and last day. */
export function daysOf(month: string): [string, string] {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return [`${month}-01`, new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10)];
}

/** `November 2026`. */
export function monthText(month: string): string {
  return new Date(`${month}-01T00:00:00Z`).toLocaleDateString("en-US", { month: "long", year: "numeric", timeZone: "UTC" });
}
