/** Events by id, read once for each tab: orders and gates name their event by its id alone. */
import { getPublic } from "./api/http.ts";
import { useLoaded } from "./api/loading.ts";
import type { Event } from "./api/types.ts";

const known = new Map<string, Promise<Event>>();

export function eventOf(eventId: string): Promise<Event> {
  let found = known.get(eventId);
  if (found === undefined) {
    found = getPublic<Event>(`/v1/events/${encodeURIComponent(eventId)}`);
    found.catch(() => known.delete(eventId));
    known.set(eventId, found);
  }
  return found;
}

/** The event, or null while it is not known (or cannot be). */
export function useEvent(eventId: string | null): Event | null {
  return useLoaded(async () => (eventId === null ? null : eventOf(eventId)), [eventId]).value;
}
