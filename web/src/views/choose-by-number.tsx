/** So many places of each ticket type; the box office picks them, next to each other. */
import { useState } from "preact/hooks";
import type { Availability, Event, TicketType } from "../api/types.ts";
import { shortDayText, timeText } from "../dates.ts";
import { moneyText, sumOf } from "../money.ts";
import { Stepper } from "../parts/stepper.tsx";
import { HoldBar, saleNote } from "./hold-bar.tsx";

interface ChooseProps {
  event: Event;
  left: Availability;
  reload(): void;
}

function leftText(event: Event, type: TicketType, free: number, held: number): string {
  const sale = saleNote(type);
  if (sale === "later" && type.sale_starts_at) {
    return `On sale from ${shortDayText(type.sale_starts_at, event.time_zone)}, ${timeText(type.sale_starts_at, event.time_zone)}`;
  }
  if (sale === "over") return "The sale is over";
  if (free > 0) return free <= 20 ? `Only ${free} left` : `${free} left`;
  return held > 0 ? "All in baskets: some may come back" : "Sold out";
}

export function ChooseByNumber({ event, left, reload }: ChooseProps) {
  const [numbers, setNumbers] = useState<Record<string, number>>({});
  const chosen = event.ticket_types.filter((type) => (numbers[type.ticket_type_id] ?? 0) > 0);
  const places = chosen.reduce((sum, type) => sum + (numbers[type.ticket_type_id] ?? 0), 0);
  const total = sumOf(
    chosen.map((type) => ({ amount: type.price.amount * (numbers[type.ticket_type_id] ?? 0), currency: type.price.currency })),
  );
  const lines = (): object[] =>
    chosen.map((type) => ({ ticket_type_id: type.ticket_type_id, quantity: numbers[type.ticket_type_id] }));
  return (
    <>
      <ul class="types">
        {event.ticket_types.map((type) => {
          const id = type.ticket_type_id;
          const there = left.ticket_types.find((each) => each.ticket_type_id === id) ?? { free: 0, held: 0 };
          const most = Math.min(there.free, event.places_per_order_max, type.places_per_order_max ?? Infinity);
          return (
            <li key={id}>
              <div>
                <span class="type-name">{type.name}</span>
                <span class={saleNote(type) === null && there.free > 0 && there.free <= 20 ? "small scarce" : "small quiet"}>
                  {leftText(event, type, there.free, there.held)}
                </span>
              </div>
              <span class="price">{moneyText(type.price)}</span>
              <Stepper
                label={type.name}
                value={numbers[id] ?? 0}
                max={saleNote(type) === null ? most : 0}
                onValue={(value) => setNumbers({ ...numbers, [id]: value })}
              />
            </li>
          );
        })}
      </ul>
      <HoldBar event={event} places={places} total={total} lines={lines} refused={reload} />
    </>
  );
}
