/** Times, in the time zone of where the event takes place: that is the clock the audience will look at. */

const formats = new Map<string, Intl.DateTimeFormat>();

function format(at: string, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  const name = `${timeZone} ${JSON.stringify(options)}`;
  let found = formats.get(name);
  if (found === undefined) {
    found = new Intl.DateTimeFormat("en-US", { ...options, timeZone });
    formats.set(name, found);
  }
  return found.format(new Date(at));
}

/** `Thursday, December 3, 2026` */
export function dayText(at: string, timeZone: string): string {
  return format(at, timeZone, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

/** `Thu, Dec 3, 2026` */
export function shortDayText(at: string, timeZone: string): string {
  return format(at, timeZone, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
}

/** `7:30 PM EST`: with the zone's name, since the reader may sit in another. */
export function timeText(at: string, timeZone: string): string {
  return format(at, timeZone, { hour: "numeric", minute: "2-digit", timeZoneName: "short" });
}

/** `December 2026` */
export function monthText(at: string, timeZone: string): string {
  return format(at, timeZone, { month: "long", year: "numeric" });
}

/** The parts of a calendar leaf: `Thu`, `3`, `7:30 PM`. */
export function leafParts(at: string, timeZone: string): { weekday: string; day: string; time: string } {
  return {
    weekday: format(at, timeZone, { weekday: "short" }),
    day: format(at, timeZone, { day: "numeric" }),
    time: format(at, timeZone, { hour: "numeric", minute: "2-digit" }),
  };
}

/** A moment of the reader's own day, such as when an order was made. */
export function ownMomentText(at: string): string {
  return new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

/** `9:05`, of milliseconds left. Rounded down, so that nobody is promised a second that is not there. */
export function minutesText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A moment as a datetime-local input has it, in the reader's own time: `2026-12-03T10:00`. */
export function ownMinute(at: string): string {
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The moment that a datetime-local input means; null while nothing, or half of it, is typed. */
export function momentOf(ownTime: string): string | null {
  const date = new Date(ownTime);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
