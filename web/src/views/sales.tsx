/** An organiser's figures: totals, a picture, a table, and the table as a file. */
import { useState } from "preact/hooks";
import { get, getBlob } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { Amounts, EventSales, Membership, Sales } from "../api/types.ts";
import { shortDayText } from "../dates.ts";
import { moneyText } from "../money.ts";
import { useOrganiser } from "../parts/choose-organiser.tsx";
import { Page, Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { saveBlob } from "../parts/saving.ts";
import { SignInFirst } from "../parts/sign-in-first.tsx";
import { salesOf } from "../roles.ts";
import { useStore } from "../store.ts";
import { SalesBars } from "./sales-bars.tsx";

function hasMoved(event: EventSales): boolean {
  return event.sold > 0 || event.tickets_refunded > 0 || event.admitted > 0;
}

function Tile({ name, figure }: { name: string; figure: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{figure}</dd>
    </div>
  );
}

/** Money of different currencies is never added; people who came in are, whatever they paid with. */
function Totals({ totals, admitted }: { totals: Amounts[]; admitted: number }) {
  return (
    <>
      {totals.map((total) => (
        <dl class="tiles" key={total.revenue.currency}>
          <Tile name={totals.length > 1 ? `Sold in ${total.revenue.currency}` : "Sold"} figure={total.sold.toLocaleString("en-US")} />
          <Tile name="Revenue" figure={moneyText(total.revenue)} />
          <Tile name="Refunded" figure={moneyText(total.refunded)} />
        </dl>
      ))}
      <p>
        <strong>{admitted.toLocaleString("en-US")}</strong> admitted so far
      </p>
    </>
  );
}

function SalesTable({ events }: { events: EventSales[] }) {
  return (
    <div class="scrolling" tabIndex={0} role="region" aria-label="Sales by event">
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">Event</th>
            <th scope="col">Sold</th>
            <th scope="col">Revenue</th>
            <th scope="col">Refunded</th>
            <th scope="col">Admitted</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.event_id}>
              <th scope="row">
                <a href={`/events/${event.event_id}`}>{event.name ?? event.event_id}</a>
                <span class="quiet small">{event.starts_at && event.time_zone && shortDayText(event.starts_at, event.time_zone)}</span>
                <a class="small plain" href={`/on-sale/${event.event_id}`}>
                  Steer the sale
                </a>
              </th>
              <td>
                {event.sold}
                {event.capacity !== null && <span class="quiet small"> of {event.capacity.toLocaleString("en-US")}</span>}
              </td>
              <td>{moneyText(event.revenue)}</td>
              <td>{moneyText(event.refunded)}</td>
              <td>{event.admitted}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Period({ from, to, change }: { from: string; to: string; change(from: string, to: string): void }) {
  return (
    <div class="period">
      <label>
        From
        <input type="date" value={from} onChange={(input) => change(input.currentTarget.value, to)} />
      </label>
      <label>
        To (that day not included)
        <input type="date" value={to} onChange={(input) => change(from, input.currentTarget.value)} />
      </label>
    </div>
  );
}

function addressOf(organiserId: string, from: string, to: string): string {
  const query = new URLSearchParams({ organiser_id: organiserId });
  if (from !== "") query.set("from", from);
  if (to !== "") query.set("to", to);
  return `/v1/reports/sales?${query.toString()}`;
}

function SalesOf({ membership }: { membership: Membership }) {
  const [[from, to], setPeriod] = useState<[string, string]>(["", ""]);
  const [all, setAll] = useState(false);
  const address = addressOf(membership.organiser_id, from, to);
  const { value, problem, reload } = useLoaded(() => get<Sales>(address), [address]);
  const saving = useAction();
  const save = (): void => {
    void saving.run(async () => saveBlob(await getBlob(address, "text/csv"), "sales.csv"));
  };
  const moved = value?.items.filter(hasMoved) ?? [];
  const rest = (value?.items.length ?? 0) - moved.length;
  return (
    <>
      <div class="heading-row">
        <Period from={from} to={to} change={(begins, ends) => setPeriod([begins, ends])} />
        <button type="button" class="button quiet-button" disabled={saving.busy} onClick={save}>
          {saving.busy ? "Fetching…" : "Save as CSV"}
        </button>
      </div>
      <ProblemNote problem={problem ?? saving.problem} again={reload} />
      {value === null && problem === null && <Waiting what="Adding up" />}
      {value !== null && (
        <>
          <Totals totals={value.totals} admitted={value.items.reduce((sum, event) => sum + event.admitted, 0)} />
          {moved.length === 0 ? <p>Nothing was sold in this time.</p> : <SalesBars events={moved} />}
          {(all || moved.length > 0) && <SalesTable events={all ? value.items : moved} />}
          {rest > 0 && (
            <button type="button" class="plain" onClick={() => setAll(!all)}>
              {all ? "Hide events without sales" : `Show ${rest} events without sales`}
            </button>
          )}
        </>
      )}
    </>
  );
}

function SalesPage() {
  const { me } = useStore(session);
  const { membership, choice } = useOrganiser(salesOf(me));
  return (
    <Page title="Sales" over={membership && <p class="over">{membership.organiser_name}</p>}>
      {membership === undefined && <p>Sales are for an organiser's owners, managers and box office. You are none of these.</p>}
      {choice}
      {membership !== undefined && <SalesOf key={membership.organiser_id} membership={membership} />}
    </Page>
  );
}

export function SalesView() {
  return (
    <SignInFirst title="Sales" why="Sign in as a member of the organiser to see its sales.">
      <SalesPage />
    </SignInFirst>
  );
}
