/** The rows of a section, with a button for each seat. */
import { useMemo, useRef, useState } from "preact/hooks";
import type { Money } from "../api/types.ts";
import { moneyText } from "../money.ts";
import { CompanionSign, WheelchairSign } from "../parts/signs.tsx";
import { KIND_TEXTS, type Seat, type SeatRow, seatText } from "../seats.ts";

interface SeatPlanProps {
  rows: SeatRow[];
  priceOf(seat: Seat): Money | undefined;
  isChosen(seat: Seat): boolean;
  /** Whether a seat is in the basket that this would change. */
  isOwn(seat: Seat): boolean;
  toggle(seat: Seat): void;
}

const STEPS: Record<string, [number, number]> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
// More shades than this cannot be told apart; the price stands on the button's label anyway.
const SHADES = 4;

interface Zone {
  zone: string;
  price: Money;
}

/** The zones of a section, dearest first, with what they cost. */
function zonesOf(rows: SeatRow[], priceOf: SeatPlanProps["priceOf"]): Zone[] {
  const zones = new Map<string, Money>();
  for (const run of rows.flatMap((row) => row.runs)) {
    const price = run[0] && priceOf(run[0]);
    if (run[0] && price) zones.set(run[0].zone, price);
  }
  return [...zones].map(([zone, price]) => ({ zone, price })).sort((one, other) => other.price.amount - one.price.amount);
}

function shade(rank: number): number {
  return Math.min(Math.max(rank, 0), SHADES - 1);
}

const SIGNS = { wheelchair: WheelchairSign, companion: CompanionSign };
const KINDS = ["wheelchair", "companion"] as const;

function Legend({ zones, rows }: { zones: Zone[]; rows: SeatRow[] }) {
  const seats = rows.flatMap((row) => row.runs.flat());
  return (
    <ul class="legend">
      {zones.map(({ zone, price }, rank) => (
        <li key={zone}>
          <span class={`swatch shade-${shade(rank)}`} aria-hidden="true" />
          {zone} {moneyText(price)}
        </li>
      ))}
      <li>
        <span class="swatch taken" aria-hidden="true" />
        taken
      </li>
      {KINDS.filter((kind) => seats.some((seat) => seat.kind === kind)).map((kind) => {
        const Sign = SIGNS[kind];
        return (
          <li key={kind}>
            <Sign /> {KIND_TEXTS[kind]}
          </li>
        );
      })}
    </ul>
  );
}

/** Tab comes to the plan once; arrows go from seat to seat. 1,200 stops of Tab would be a wall. */
export function SeatPlan({ rows, priceOf, isChosen, isOwn, toggle }: SeatPlanProps) {
  const plan = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<[number, number]>([0, 0]);
  const zones = useMemo(() => zonesOf(rows, priceOf), [rows]);
  const shadeOf = (zone: string): number => shade(zones.findIndex((each) => each.zone === zone));
  const go = (key: KeyboardEvent): void => {
    const step = STEPS[key.key];
    if (step === undefined) return;
    key.preventDefault();
    const row = Math.min(Math.max(at[0] + step[0], 0), rows.length - 1);
    const seats = rows[row]?.runs.flat().length ?? 1;
    const seat = Math.min(Math.max(at[1] + step[1], 0), seats - 1);
    setAt([row, seat]);
    plan.current?.querySelector<HTMLElement>(`[data-at="${row},${seat}"]`)?.focus();
  };
  return (
    <>
      <Legend zones={zones} rows={rows} />
      <div class="plan" ref={plan} onKeyDown={go} role="group" aria-label="Seats; move with the arrow keys">
        <p class="stage" aria-hidden="true">
          Stage
        </p>
        {rows.map(({ row, runs }, rowAt) => {
          let seatAt = -1;
          return (
            <div class="seat-row" key={row} role="group" aria-label={`Row ${row}`}>
              <span class="row-name" aria-hidden="true">
                {row}
              </span>
              {runs.map((run, runAt) => (
                <span class="run" key={runAt}>
                  {run.map((seat) => {
                    seatAt += 1;
                    const here: [number, number] = [rowAt, seatAt];
                    const price = priceOf(seat);
                    const taken = !(seat.free || isOwn(seat)) || price === undefined;
                    const Sign = seat.kind === "seat" ? null : SIGNS[seat.kind];
                    return (
                      <button
                        key={seat.seat}
                        type="button"
                        class={`seat shade-${shadeOf(seat.zone)}`}
                        data-at={here.join(",")}
                        tabIndex={at[0] === rowAt && at[1] === seatAt ? 0 : -1}
                        aria-pressed={isChosen(seat)}
                        aria-disabled={taken}
                        aria-label={seatText(seat, taken ? null : moneyText(price))}
                        onFocus={() => setAt(here)}
                        onClick={() => taken || toggle(seat)}
                      >
                        {Sign && <Sign />}
                        {seat.seat}
                      </button>
                    );
                  })}
                </span>
              ))}
            </div>
          );
        })}
      </div>
    </>
  );
}
