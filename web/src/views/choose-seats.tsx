/** Chosen seats of the plan: first the section, then the seats in their rows. */
import { useMemo, useState } from "preact/hooks";
import type { Availability, Event, TicketType } from "../api/types.ts";
import { basket, replaceable } from "../basket.ts";
import { moneyText, sumOf } from "../money.ts";
import { type ChosenSeat, chosenOf, companionsAlone, KIND_TEXTS, linesOf, rowsOf, type Seat, seatName, typesFor } from "../seats.ts";
import { HoldBar, saleNote } from "./hold-bar.tsx";
import { SeatPlan } from "./seat-plan.tsx";

interface ChooseSeatsProps {
  event: Event;
  left: Availability;
  reload(): void;
}

function typeOf(event: Event, ticketTypeId: string): TicketType | undefined {
  return event.ticket_types.find((type) => type.ticket_type_id === ticketTypeId);
}

interface ChosenListProps {
  event: Event;
  chosen: ChosenSeat[];
  change(chosen: ChosenSeat[]): void;
}

/** The seats taken so far; where a seat is sold at several prices, the price is chosen here. */
function ChosenList({ event, chosen, change }: ChosenListProps) {
  if (chosen.length === 0) return null;
  return (
    <ul class="chosen" aria-label="Chosen seats">
      {chosen.map((one) => {
        const name = seatName(one.seat);
        const types = typesFor(event, one.poolId, one.seat);
        const price = typeOf(event, one.ticketTypeId)?.price;
        const retype = (ticketTypeId: string): void =>
          change(chosen.map((each) => (each === one ? { ...each, ticketTypeId } : each)));
        return (
          <li key={name}>
            <span>
              {name}
              {one.seat.kind !== "seat" && <span class="quiet small detail">{KIND_TEXTS[one.seat.kind]}</span>}
            </span>
            {types.length > 1 && (
              <select aria-label={`Ticket for ${name}`} value={one.ticketTypeId} onChange={(pick) => retype(pick.currentTarget.value)}>
                {types.map((type) => (
                  <option key={type.ticket_type_id} value={type.ticket_type_id}>
                    {type.name}
                  </option>
                ))}
              </select>
            )}
            <span class="price">{price && moneyText(price)}</span>
            <button type="button" class="plain" aria-label={`Take ${name} out`} onClick={() => change(chosen.filter((each) => each !== one))}>
              ✕
            </button>
          </li>
        );
      })}
    </ul>
  );
}

export function ChooseSeats({ event, left, reload }: ChooseSeatsProps) {
  const pools = left.pools.filter((pool) => pool.kind === "seated" && pool.sections.length > 0);
  const places = pools.flatMap((pool) => pool.sections.map((section) => ({ pool, section })));
  const [at, setAt] = useState(0);
  const [own] = useState<ChosenSeat[]>(() => {
    const held = basket.get();
    return held !== null && replaceable(held, event) ? chosenOf(held.hold.places, left) : [];
  });
  const [chosen, setChosen] = useState(own);
  const open = places[Math.min(at, places.length - 1)];
  const rows = useMemo(() => (open === undefined ? [] : rowsOf(open.section)), [open?.section]);
  if (open === undefined) return null;
  const poolId = open.pool.pool_id;
  const buyable = (seat: Seat): TicketType | undefined => typesFor(event, poolId, seat).find((type) => saleNote(type) === null);
  const toggle = (seat: Seat): void => {
    const rest = chosen.filter((one) => seatName(one.seat) !== seatName(seat));
    const type = buyable(seat);
    if (rest.length < chosen.length || type === undefined) setChosen(rest);
    else setChosen([...chosen, { poolId, seat, ticketTypeId: type.ticket_type_id }]);
  };
  const prices = chosen.flatMap((one) => typeOf(event, one.ticketTypeId)?.price ?? []);
  const needsVoucher = chosen.some((one) => typeOf(event, one.ticketTypeId)?.access === "voucher");
  const alone = companionsAlone(chosen)[0];
  // After a refusal somebody else may have the seats: they are chosen anew from what is left.
  const refused = (): void => {
    setChosen(own);
    reload();
  };
  return (
    <>
      <div class="sections" role="group" aria-label="Section">
        {places.map(({ section }, index) => (
          <button key={section.section} type="button" aria-pressed={index === at} onClick={() => setAt(index)}>
            {section.section}
            <span class="small">{section.free} free</span>
          </button>
        ))}
      </div>
      <SeatPlan
        key={open.section.section}
        rows={rows}
        priceOf={(seat) => buyable(seat)?.price}
        isChosen={(seat) => chosen.some((one) => seatName(one.seat) === seatName(seat))}
        isOwn={(seat) => own.some((one) => seatName(one.seat) === seatName(seat))}
        toggle={toggle}
      />
      <ChosenList event={event} chosen={chosen} change={setChosen} />
      <HoldBar
        event={event}
        places={chosen.length}
        total={sumOf(prices)}
        needsVoucher={needsVoucher}
        against={alone === undefined ? null : `${seatName(alone)} is a companion seat: it goes with a wheelchair place beside it.`}
        lines={() => linesOf(chosen)}
        refused={refused}
      />
    </>
  );
}
