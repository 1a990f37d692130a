/** An event's vouchers: made one by one or by the hundred, revoked, and saved as a file. */
import { useState } from "preact/hooks";
import { get, write } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import type { Event, Page, Voucher } from "../api/types.ts";
import { moneyText } from "../money.ts";
import { Choice } from "../parts/choice.tsx";
import { Field } from "../parts/field.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { saveBlob } from "../parts/saving.ts";

const SHOWN_MAX = 20;

function pageOf(eventId: string, cursor: string | null): Promise<Page<Voucher>> {
  const query = new URLSearchParams({ limit: "100", ...(cursor === null ? {} : { cursor }) });
  return get<Page<Voucher>>(`/v1/events/${eventId}/vouchers?${query.toString()}`);
}

/** All of them, page by page. */
async function everyVoucher(eventId: string): Promise<Voucher[]> {
  const every: Voucher[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Voucher> = await pageOf(eventId, cursor);
    every.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return every;
}

function worth(event: Event, voucher: Voucher): string {
  const price = voucher.price !== null ? `for ${moneyText(voucher.price)}` : voucher.percent_off > 0 ? `${voucher.percent_off} % off` : "full price";
  const types = event.ticket_types.filter((type) => voucher.ticket_type_ids.includes(type.ticket_type_id)).map((type) => type.name);
  return [voucher.uses_max === 1 ? "1 place" : `${voucher.uses_max} places`, price, ...types].join(", ");
}

function asCsv(vouchers: Voucher[]): Blob {
  const rows = vouchers.map((one) => [one.code, one.uses_max, one.percent_off, one.price?.amount ?? "", one.revoked ? "revoked" : ""]);
  return new Blob([["code,places,percent_off,price_minor_units,state", ...rows.map((row) => row.join(","))].join("\r\n")], {
    type: "text/csv",
  });
}

function Make({ event, made }: { event: Event; made(): void }) {
  const action = useAction();
  const [drawn, setDrawn] = useState(false);
  const [code, setCode] = useState("");
  const [count, setCount] = useState("10");
  const [uses, setUses] = useState("1");
  const [percent, setPercent] = useState("0");
  const [typeId, setTypeId] = useState("");
  const submit = (): void => {
    void action.run(async () => {
      const which = drawn ? { count: Number(count) } : { code: code.trim() };
      const types = typeId === "" ? {} : { ticket_type_ids: [typeId] };
      const worth = { uses_max: Number(uses), percent_off: Number(percent) };
      await write("POST", `/v1/events/${event.event_id}/vouchers`, { ...which, ...worth, ...types });
      setCode("");
      made();
    });
  };
  const shared = { problem: action.problem };
  const types = event.ticket_types.filter((type) => type.access !== "complimentary");
  const options = [{ value: "", label: "All tickets" }, ...types.map((type) => ({ value: type.ticket_type_id, label: type.name }))];
  return (
    <form
      class="form"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        submit();
      }}
    >
      <div class="switch" role="group" aria-label="Which codes">
        <button type="button" aria-pressed={!drawn} onClick={() => setDrawn(false)}>
          One code of my own
        </button>
        <button type="button" aria-pressed={drawn} onClick={() => setDrawn(true)}>
          Many random codes
        </button>
      </div>
      <div class="four">
        {drawn ? (
          <Field label="How many codes" name="count" type="number" max={500} value={count} onValue={setCount} {...shared} />
        ) : (
          <Field label="Code" name="code" value={code} onValue={setCode} {...shared} />
        )}
        <Field label="Places a code" name="uses_max" type="number" max={100_000} value={uses} onValue={setUses} {...shared} />
        <Field label="Percent off" name="percent_off" type="number" min={0} max={100} value={percent} onValue={setPercent} {...shared} />
        <Choice label="Good for" value={typeId} options={options} onValue={setTypeId} />
      </div>
      <ProblemNote problem={action.problem} />
      <button type="submit" class="button quiet-button" disabled={action.busy}>
        {action.busy ? "Making…" : drawn ? "Make vouchers" : "Make voucher"}
      </button>
    </form>
  );
}

interface ListProps {
  event: Event;
  vouchers: Voucher[];
  steers: boolean;
  busy: boolean;
  revoke(voucher: Voucher): void;
}

function List({ event, vouchers, steers, busy, revoke }: ListProps) {
  return (
    <ul class="rows">
      {vouchers.slice(0, SHOWN_MAX).map((voucher) => (
        <li key={voucher.voucher_id}>
          <span>
            <strong class="breakable">{voucher.code}</strong> <span class="quiet">{worth(event, voucher)}</span>
          </span>
          {voucher.revoked && <span class="quiet">revoked</span>}
          {!voucher.revoked && steers && (
            <button type="button" class="plain" disabled={busy} aria-label={`Revoke ${voucher.code}`} onClick={() => revoke(voucher)}>
              Revoke
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

export function Vouchers({ event, steers }: { event: Event; steers: boolean }) {
  const [all, setAll] = useState(false);
  const [wanted, setWanted] = useState("");
  // The first hundred come with the page; the others when somebody looks for one.
  const list = useLoaded(
    async () => (all ? { items: await everyVoucher(event.event_id), next: null } : await pageOf(event.event_id, null)),
    [event.event_id, all],
  );
  const action = useAction();
  const vouchers = list.value?.items ?? [];
  const found = vouchers.filter((one) => one.code.includes(wanted.trim().toUpperCase()));
  const more = list.value !== null && list.value.next !== null;
  const revoke = (voucher: Voucher): void => {
    if (!window.confirm(`Revoke ${voucher.code}? It stays revoked. Who has bought with it keeps the tickets.`)) return;
    void action.run(async () => {
      await write("DELETE", `/v1/vouchers/${voucher.voucher_id}`);
      list.reload();
    });
  };
  const save = (): void => {
    void action.run(async () => saveBlob(asCsv(await everyVoucher(event.event_id)), "vouchers.csv"));
  };
  const find = (value: string): void => {
    setWanted(value);
    if (more) setAll(true);
  };
  return (
    <section class="control" aria-labelledby="vouchers">
      <div class="heading-row">
        <h2 id="vouchers">
          Vouchers{" "}
          {list.value !== null && (
            <span class="quiet">
              ({vouchers.length}
              {more && " and more"})
            </span>
          )}
        </h2>
        {vouchers.length > 0 && (
          <button type="button" class="button quiet-button" disabled={action.busy} onClick={save}>
            Save as CSV
          </button>
        )}
      </div>
      <ProblemNote problem={list.problem ?? action.problem} again={list.reload} />
      {steers && <Make event={event} made={list.reload} />}
      {(vouchers.length > SHOWN_MAX || wanted !== "" || all) && (
        <div class="form">
          <Field label="Find a code" name="find" value={wanted} required={false} onValue={find} />
        </div>
      )}
      <List event={event} vouchers={found} steers={steers} busy={action.busy} revoke={revoke} />
      {found.length > SHOWN_MAX && <p class="quiet">These are the first {SHOWN_MAX}; the file has all of them.</p>}
    </section>
  );
}
