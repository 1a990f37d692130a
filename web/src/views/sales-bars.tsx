/** Tickets sold for each event, as bars. The table below has the same figures for who cannot see them. */
import type { EventSales } from "../api/types.ts";
import { shortDayText } from "../dates.ts";

const BARS_MAX = 12;
const BAR_HEIGHT = 14;

export function SalesBars({ events }: { events: EventSales[] }) {
  const shown = [...events].sort((one, other) => other.sold - one.sold).slice(0, BARS_MAX);
  const most = Math.max(1, ...shown.map((event) => event.sold));
  return (
    <figure class="bars">
      <figcaption>Tickets sold{events.length > BARS_MAX ? `, the ${BARS_MAX} events with the most` : ""}</figcaption>
      <ol aria-hidden="true">
        {shown.map((event) => (
          <li key={event.event_id}>
            <span class="bar-name">
              {event.starts_at && event.time_zone && `${shortDayText(event.starts_at, event.time_zone)} · `}
              {event.name ?? event.event_id}
            </span>
            <svg height={BAR_HEIGHT} width="100%">
              <rect class="bar" height={BAR_HEIGHT} width={`${Math.max(1, (100 * event.sold) / most)}%`} rx="3" />
            </svg>
            <strong>{event.sold}</strong>
          </li>
        ))}
      </ol>
    </figure>
  );
}
