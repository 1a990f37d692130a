/** So many places of each ticket type; the box office picks them, next to each other. */
import { useState } from "preact/hooks";
import type { Availability, Event, TicketType } from "../api/types.ts";
import type { Problem } from "../api/wire.ts";
import { basket, replaceable } from "../basket.ts";
import { shortDayText, timeText } from "../dates.ts";
import { moneyText, sumOf } from "../money.ts";
import { WheelchairSign } from "../parts/signs.tsx";
import { Stepper } from "../parts/stepper.tsx";
import { type Counts, countsOf } from "../seats.ts";
import { HoldBar, saleNote } from "./hold-bar.tsx";
import { JoinWaitingList } from "./waiting-list.tsx";

const SCARCE = 20;

interface ChooseProps {
  event: Event;
  left: Availability;
  reload(): void;
}

interface Left {
  free: number;
  held: number;
  wheelchairs: number;
  closed: boolean;
}

function leftOf(left: Availability, type: TicketType): Left {
  const there = left.ticket_types.find((each) => each.ticket_type_id === type.ticket_type_id);
  const closed = left.pools.find((pool) => pool.pool_id === type.pool_id)?.closed ?? false;
  return { free: there?.free ?? 0, held: there?.held ?? 0, wheelchairs: there?.accessible_free ?? 0, closed };
}

function isSoldOut(type: TicketType, there: Left): boolean {
  return saleNote(type) === null && !there.closed && there.free === 0 && there.held === 0 && there.wheelchairs === 0;
}

function leftText(event: Event, type: TicketType, { free, held, wheelchairs, closed }: Left): string {
  const sale = saleNote(type);
  if (sale === "later" && type.sale_starts_at) {
    return `On sale from ${shortDayText(type.sale_starts_at, event.time_zone)}, ${timeText(type.sale_starts_at, event.time_zone)}`;
  }
  if (sale === "over") return "The sale is over";
  if (closed) return "Not on sale at the moment";
  if (free > 0) return free <= SCARCE ? `Only ${free} left` : `${free.toLocaleString("en-US")} left`;
  if (held > 0) return "All in baskets, some may come back";
  return wheelchairs > 0 ? "Only wheelchair places left" : "Sold out";
}

interface TypeRowProps {
  event: Event;
  type: TicketType;
  there: Left;
  /** How many are in the basket that this would change. */
  own: number;
  ownWheelchairs: number;
  value: number;
  wheelchairs: number;
  /** Whether a hold was refused because others wait for what is free. */
  othersWait: boolean;
  setValue(value: number): void;
  setWheelchairs(value: number): void;
}

function TypeRow(props: TypeRowProps) {
  const { event, type, there, value, wheelchairs } = props;
  const [wanted, setWanted] = useState(wheelchairs > 0);
  const onSale = saleNote(type) === null && !there.closed;
  const perOrder = Math.min(event.places_per_order_max, type.places_per_order_max ?? Infinity);
  const most = onSale ? Math.min(there.free + props.own, perOrder - wheelchairs) : 0;
  const mostWheelchairs = onSale ? Math.min(there.wheelchairs + props.ownWheelchairs, perOrder - value) : 0;
  const scarce = onSale && there.free > 0 && there.free <= SCARCE;
  return (
    <li>
      <div class="type">
        <span class="type-name">{type.name}</span>
        <span class={scarce ? "small scarce" : "small quiet"}>{leftText(event, type, there)}</span>
        {type.access === "voucher" && <span class="small quiet">With a voucher only</span>}
      </div>
      <span class="price">{moneyText(type.price)}</span>
      {(most > 0 || value > 0) && <Stepper label={type.name} value={value} max={most} onValue={props.setValue} />}
      {mostWheelchairs + wheelchairs > 0 && !wanted && (
        <button type="button" class="plain sign-text" onClick={() => setWanted(true)}>
          <WheelchairSign /> Wheelchair places
        </button>
      )}
      {wanted && (
        <div class="wheelchairs">
          <p>
            <span class="sign-text">
              <WheelchairSign /> Wheelchair places
            </span>
            <span class="small quiet">
              {there.wheelchairs} left. Choose who comes along above: they sit beside as far as there are companion seats.
            </span>
          </p>
          <Stepper label={`wheelchair places, ${type.name}`} value={wheelchairs} max={mostWheelchairs} onValue={props.setWheelchairs} />
        </div>
      )}
      {(isSoldOut(type, there) || props.othersWait) && <JoinWaitingList event={event} type={type} quantity={value + wheelchairs} />}
    </li>
  );
}

export function ChooseByNumber({ event, left, reload }: ChooseProps) {
  const [own] = useState<Counts>(() => {
    const held = basket.get();
    return held !== null && replaceable(held, event) ? countsOf(held.hold.places, left) : { numbers: {}, wheelchairs: {} };
  });
  const [numbers, setNumbers] = useState(own.numbers);
  const [wheelchairs, setWheelchairs] = useState(own.wheelchairs);
  const [othersWait, setOthersWait] = useState<string[]>([]);
  // Complimentary tickets are given, not sold.
  const types = event.ticket_types.filter((type) => type.access !== "complimentary");
  const countOf = (type: TicketType): number => (numbers[type.ticket_type_id] ?? 0) + (wheelchairs[type.ticket_type_id] ?? 0);
  const chosen = types.filter((type) => countOf(type) > 0);
  const places = chosen.reduce((sum, type) => sum + countOf(type), 0);
  const total = sumOf(chosen.map((type) => ({ amount: type.price.amount * countOf(type), currency: type.price.currency })));
  const lines = (): object[] =>
    chosen.map((type) => {
      const accessible = wheelchairs[type.ticket_type_id] ?? 0;
      return { ticket_type_id: type.ticket_type_id, quantity: countOf(type), ...(accessible > 0 ? { accessible } : {}) };
    });
  const refused = (problem: Problem): void => {
    setOthersWait(problem.document["waiting_list"] === true ? chosen.map((type) => type.ticket_type_id) : []);
    reload();
  };
  return (
    <>
      <ul class="types">
        {types.map((type) => {
          const id = type.ticket_type_id;
          return (
            <TypeRow
              key={id}
              event={event}
              type={type}
              there={leftOf(left, type)}
              own={own.numbers[id] ?? 0}
              ownWheelchairs={own.wheelchairs[id] ?? 0}
              value={numbers[id] ?? 0}
              wheelchairs={wheelchairs[id] ?? 0}
              othersWait={othersWait.includes(id)}
              setValue={(value) => setNumbers({ ...numbers, [id]: value })}
              setWheelchairs={(value) => setWheelchairs({ ...wheelchairs, [id]: value })}
            />
          );
        })}
      </ul>
      <HoldBar
        event={event}
        places={places}
        total={total}
        needsVoucher={chosen.some((type) => type.access === "voucher")}
        lines={lines}
        refused={refused}
      />
    </>
  );
}
