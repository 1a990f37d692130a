/** The pools of an event while it sells: what is sold, held, withheld and free, and what can be changed of that. */
import { useEffect, useState } from "preact/hooks";
import { get, write } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import type { Event, Pool, Withholding } from "../api/types.ts";
import { Choice } from "../parts/choice.tsx";
import { Field, isAbout } from "../parts/field.tsx";
import { Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";

const PARTS = ["sold", "held", "withheld", "free"] as const;
const PART_NAMES = { sold: "sold", held: "in baskets", withheld: "withheld", free: "free" };
const LOOK_MS = 10_000;

function number(value: number): string {
  return value.toLocaleString("en-US");
}

/** How a pool is split, as a bar; the same figures stand below it. */
function Split({ pool }: { pool: Pool }) {
  let start = 0;
  return (
    <>
      <svg class="split" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        {PARTS.map((part) => {
          const width = (100 * pool[part]) / Math.max(1, pool.capacity);
          const at = start;
          start += width;
          return <rect key={part} class={`split-${part}`} x={at} width={width} height="4" />;
        })}
      </svg>
      <dl class="split-figures">
        {PARTS.map((part) => (
          <div key={part}>
            <dt>
              <span class={`swatch split-${part}`} aria-hidden="true" /> {PART_NAMES[part]}
            </dt>
            <dd>{number(pool[part])}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function PoolCard({ pool, name, steers, changed }: { pool: Pool; name: string; steers: boolean; changed(): void }) {
  const action = useAction();
  const [capacity, setCapacity] = useState(String(pool.capacity));
  const change = (what: object): void => {
    void action.run(async () => {
      let after = pool;
      // A large pool shrinks in parts: the same request goes on until it is through.
      do after = await write<Pool>("PATCH", `/v1/pools/${pool.pool_id}`, what, { "If-Match": `"${after.version}"` });
      while (!after.complete);
      changed();
    });
  };
  return (
    <li class="card pool">
      <h3>
        {name} {pool.closed && <span class="room-state paused">Not selling</span>}
      </h3>
      <p class="quiet">{number(pool.capacity)} places</p>
      <Split pool={pool} />
      {!isAbout(action.problem, "capacity") && <ProblemNote problem={action.problem} again={changed} />}
      {steers && (
        <form
          class="steering-row"
          onSubmit={(submitted) => {
            submitted.preventDefault();
            change({ capacity: Number(capacity) });
          }}
        >
          {pool.kind === "general" && (
            <>
              <Field label="Places in all" name="capacity" type="number" max={1_000_000} value={capacity} problem={action.problem} onValue={setCapacity} />
              <button type="submit" class="button quiet-button" disabled={action.busy || Number(capacity) === pool.capacity}>
                {action.busy ? "Changing…" : "Change"}
              </button>
            </>
          )}
          <button type="button" class="button quiet-button" disabled={action.busy} onClick={() => change({ closed: !pool.closed })}>
            {pool.closed ? "Sell again" : "Stop selling"}
          </button>
        </form>
      )}
    </li>
  );
}

function seatsText(withholding: Withholding): string {
  return withholding.seats
    .map((run) => `${run.section} ${run.row} ${run.first === run.last ? run.first : `${run.first}–${run.last}`}`)
    .join(", ");
}

interface WithholdProps {
  event: Event;
  pools: Pool[];
  nameOf(pool_id: string): string;
  changed(): void;
}

function Withhold({ event, pools, nameOf, changed }: WithholdProps) {
  const action = useAction();
  const [poolId, setPoolId] = useState(pools[0]?.pool_id ?? "");
  const [name, setName] = useState("");
  const [quantity, setQuantity] = useState("");
  const [seats, setSeats] = useState({ section: "", row: "", first: "", last: "" });
  const pool = pools.find((one) => one.pool_id === poolId);
  const body = (): object =>
    pool?.kind === "seated"
      ? { pool_id: poolId, name, seats: [{ ...seats, first: Number(seats.first), last: Number(seats.last || seats.first) }] }
      : { pool_id: poolId, name, quantity: Number(quantity) };
  const submit = (): void => {
    void action.run(async () => {
      await write("POST", `/v1/events/${event.event_id}/withholdings`, body());
      setName("");
      setQuantity("");
      setSeats({ section: "", row: "", first: "", last: "" });
      changed();
    });
  };
  return (
    <form
      class="form"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        submit();
      }}
    >
      {pools.length > 1 && (
        <Choice label="Of" value={poolId} options={pools.map((one) => ({ value: one.pool_id, label: nameOf(one.pool_id) }))} onValue={setPoolId} />
      )}
      <Field label="What for" name="name" value={name} hint="House seats, camera, press" problem={action.problem} onValue={setName} />
      {pool?.kind === "seated" ? (
        <div class="four">
          {(["section", "row", "first", "last"] as const).map((part) => (
            <Field
              key={part}
              label={{ section: "Section", row: "Row", first: "First seat", last: "Last seat" }[part]}
              name={`seats[0].${part}`}
              type={part === "first" || part === "last" ? "number" : "text"}
              min={0}
              value={seats[part]}
              required={part !== "last"}
              problem={action.problem}
              onValue={(value) => setSeats({ ...seats, [part]: value })}
            />
          ))}
        </div>
      ) : (
        <Field label="How many places" name="quantity" type="number" max={2000} value={quantity} problem={action.problem} onValue={setQuantity} />
      )}
      <ProblemNote problem={action.problem} />
      <button type="submit" class="button quiet-button" disabled={action.busy}>
        {action.busy ? "Withholding…" : "Keep off sale"}
      </button>
    </form>
  );
}

function Withheld({ event, pools, nameOf, steers, changed }: WithholdProps & { steers: boolean }) {
  const path = `/v1/events/${event.event_id}/withholdings`;
  const list = useLoaded(() => get<{ items: Withholding[] }>(path), [path]);
  const action = useAction();
  const all = (): void => {
    list.reload();
    changed();
  };
  return (
    <details class="withheld">
      <summary>
        Kept off sale {list.value !== null && `(${number(list.value.items.reduce((sum, one) => sum + one.places, 0))})`}
      </summary>
      <ProblemNote problem={list.problem ?? action.problem} again={list.reload} />
      {list.value?.items.length === 0 && <p class="quiet">Nothing is kept off sale.</p>}
      <ul class="rows">
        {list.value?.items.map((one) => (
          <li key={one.withholding_id}>
            <span>
              <strong>{one.name}</strong> <span class="quiet">{number(one.places)} of {nameOf(one.pool_id)}</span>
              {one.seats.length > 0 && <span class="quiet small detail">{seatsText(one)}</span>}
              {one.missed > 0 && <span class="small detail scarce">{number(one.missed)} were sold or in baskets already</span>}
            </span>
            {steers && (
              <button
                type="button"
                class="plain"
                disabled={action.busy}
                onClick={() => void action.run(async () => write("DELETE", `${path}/${one.withholding_id}`).then(all))}
              >
                Back on sale
              </button>
            )}
          </li>
        ))}
      </ul>
      {steers && <Withhold event={event} pools={pools} nameOf={nameOf} changed={all} />}
    </details>
  );
}

export function PoolsControl({ event, steers }: { event: Event; steers: boolean }) {
  const pools = useLoaded(() => get<{ items: Pool[] }>(`/v1/events/${event.event_id}/pools`), [event.event_id]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) pools.reload();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [pools.reload]);
  const nameOf = (poolId: string): string => event.pools.find((pool) => pool.pool_id === poolId)?.name ?? poolId;
  return (
    <section class="control" aria-labelledby="pools">
      <h2 id="pools">Places</h2>
      <ProblemNote problem={pools.problem} again={pools.reload} />
      {pools.value === null && pools.problem === null && <Waiting what="Counting" />}
      {pools.value !== null && (
        <>
          <ul class="cards">
            {pools.value.items.map((pool) => (
              <PoolCard key={`${pool.pool_id} ${pool.version}`} pool={pool} name={nameOf(pool.pool_id)} steers={steers} changed={pools.reload} />
            ))}
          </ul>
          <Withheld event={event} pools={pools.value.items} nameOf={nameOf} steers={steers} changed={pools.reload} />
        </>
      )}
    </section>
  );
}
