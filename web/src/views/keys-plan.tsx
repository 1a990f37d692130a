/** An organiser's plan: what it has, what it costs, and another one. */
import { get, write } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import type { Membership, Plan, Terms } from "../api/types.ts";
import { moneyText } from "../money.ts";
import { Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { monthText } from "../usage.ts";

interface OfferProps {
  terms: Terms;
  plan: Plan;
  changes: boolean;
  busy: boolean;
  choose(terms: Terms): void;
}

function Offer({ terms, plan, changes, busy, choose }: OfferProps) {
  const has = plan.plan === terms.plan;
  const follows = plan.next_plan === terms.plan;
  return (
    <li class={has ? "card offer has" : "card offer"}>
      <h3>
        {terms.plan} {has && <span class="room-state">this month</span>}
        {follows && <span class="room-state">from {monthText(plan.next_month ?? "")}</span>}
      </h3>
      <p>
        <strong>{moneyText(terms.price)}</strong> a month
      </p>
      <p class="quiet small">
        {terms.quota === null ? "No limit a month" : `${terms.quota.toLocaleString("en-US")} requests a month, for all keys together`};{" "}
        {terms.rate.toLocaleString("en-US")} a second for each
      </p>
      {changes && !follows && (!has || plan.next_plan !== null) && (
        <button type="button" class="button quiet-button" disabled={busy} onClick={() => choose(terms)}>
          {has ? "Keep this plan" : `Change to ${terms.plan}`}
        </button>
      )}
    </li>
  );
}

export function KeysPlan({ membership }: { membership: Membership }) {
  const address = `/v1/organisers/${membership.organiser_id}/plan`;
  const { value, problem, reload } = useLoaded(() => get<Plan>(address), [address]);
  const action = useAction();
  const owns = membership.role === "owner";
  const choose = (terms: Terms): void => {
    const larger = value !== null && terms.price.amount > value.price.amount;
    const asked = `Change to ${terms.plan}? It costs ${moneyText(terms.price)} a month, for the whole of this month, and takes effect at once.`;
    if (larger && !window.confirm(asked)) return;
    void action.run(async () => {
      await write("PUT", address, { plan: terms.plan });
      reload();
    });
  };
  return (
    <section class="control" aria-labelledby="plan">
      <h2 id="plan">Plan</h2>
      <p class="quiet">A larger plan takes effect at once and for the whole month, a smaller one with the next month.</p>
      <ProblemNote problem={problem ?? action.problem} again={reload} />
      {value === null && problem === null && <Waiting what="Looking up the plan" />}
      {value !== null && (
        <ul class="offers">
          {value.offered.map((terms) => (
            <Offer key={terms.plan} terms={terms} plan={value} changes={owns} busy={action.busy} choose={choose} />
          ))}
        </ul>
      )}
      {!owns && <p class="quiet">Owners change it.</p>}
    </section>
  );
}
