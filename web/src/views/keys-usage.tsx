/** What an organiser's API keys were used for: a month's requests day by day, its quota, and the table as a file. */
import { useState } from "preact/hooks";
import { get, getBlob } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import type { Membership, Usage } from "../api/types.ts";
import { Choice } from "../parts/choice.tsx";
import { Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { saveBlob } from "../parts/saving.ts";
import { byDay, type DayFigure, daysBetween, daysOf, lastMonths, monthText } from "../usage.ts";

const MONTHS_SHOWN = 3;
const HEIGHT = 96;
const STEP = 10;

function numberText(number: number): string {
  return number.toLocaleString("en-US");
}

async function wholeUsage(address: string): Promise<Usage> {
  const first = await get<Usage>(address);
  let next = first.next;
  while (next !== null) {
    const page = await get<Usage>(`${address}&cursor=${encodeURIComponent(next)}`);
    first.items.push(...page.items);
    next = page.next;
  }
  return first;
}

/** A bar for each day: refused requests stand on top of the answered ones. */
function Days({ days, name }: { days: DayFigure[]; name: string }) {
  const most = Math.max(0, ...days.map((one) => one.answered + one.refused));
  const high = (number: number): number => (number / Math.max(1, most)) * HEIGHT;
  return (
    <figure class="day-bars">
      <figcaption>
        Requests a day <span class="quiet small">{most === 0 ? "none" : `at most ${numberText(most)}`}</span>
      </figcaption>
      <svg viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`Requests for each day of ${name}`}>
        {days.map((one, at) => (
          <g key={one.day}>
            <title>{`${one.day}: ${numberText(one.answered)} answered, ${numberText(one.refused)} refused`}</title>
            <rect class="day-space" x={at * STEP} y="0" width={STEP} height={HEIGHT} />
            <rect class="bar" x={at * STEP + 1} y={HEIGHT - high(one.answered)} width={STEP - 2} height={high(one.answered)} />
            <rect
              class="bar-refused"
              x={at * STEP + 1}
              y={HEIGHT - high(one.answered + one.refused)}
              width={STEP - 2}
              height={high(one.refused)}
            />
          </g>
        ))}
      </svg>
      <p class="day-ends quiet small" aria-hidden="true">
        <span>{days[0]?.day}</span>
        <span>{days[days.length - 1]?.day}</span>
      </p>
    </figure>
  );
}

function Figures({ usage }: { usage: Usage }) {
  const month = usage.months[0];
  return (
    <dl class="tiles">
      <div>
        <dt>Answered</dt>
        <dd>{numberText(usage.answered)}</dd>
      </div>
      <div>
        <dt>Refused (429)</dt>
        <dd>{numberText(usage.refused)}</dd>
      </div>
      {month?.quota != null && (
        <div>
          <dt>Of {numberText(month.quota)}</dt>
          <dd>{month.used_percent} %</dd>
        </div>
      )}
    </dl>
  );
}

export function KeysUsage({ membership }: { membership: Membership }) {
  const months = lastMonths(new Date(), MONTHS_SHOWN);
  const [month, setMonth] = useState(months[0] ?? "");
  const [first, last] = daysOf(month);
  const query = new URLSearchParams({ organiser_id: membership.organiser_id, from: first, to: last, limit: "100" });
  const address = `/v1/usage?${query.toString()}`;
  const { value, problem, reload } = useLoaded(() => wholeUsage(address), [address]);
  const saving = useAction();
  const save = (): void => {
    void saving.run(async () => saveBlob(await getBlob(address, "text/csv"), `usage-${month}.csv`));
  };
  return (
    <section class="control" aria-labelledby="usage">
      <div class="heading-row">
        <h2 id="usage">Usage</h2>
        <button type="button" class="button quiet-button" disabled={saving.busy} onClick={save}>
          {saving.busy ? "Fetching…" : "Save as CSV"}
        </button>
      </div>
      <div class="form">
        <Choice label="Month (UTC)" value={month} options={months.map((one) => ({ value: one, label: monthText(one) }))} onValue={setMonth} />
      </div>
      <ProblemNote problem={problem ?? saving.problem} again={reload} />
      {value === null && problem === null && <Waiting what="Adding up" />}
      {value !== null && (
        <>
          <Figures usage={value} />
          <Days days={byDay(value.items, daysBetween(first, last))} name={monthText(month)} />
          <p class="quiet small">Counts are about a minute old. Public pages of the API are nobody's, and are not counted.</p>
        </>
      )}
    </section>
  );
}
