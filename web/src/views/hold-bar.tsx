/** What was chosen, what it costs, and the button that holds it. */
import { useAction } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { Event, Money } from "../api/types.ts";
import { serverNow } from "../api/wire.ts";
import { basket, hold, millisecondsLeft } from "../basket.ts";
import { moneyText } from "../money.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { navigate, signInPath } from "../router.ts";
import { useStore } from "../store.ts";

interface HoldBarProps {
  event: Event;
  places: number;
  total: Money | null;
  lines(): object[];
  /** Called after a refusal: what is left has changed. */
  refused(): void;
}

export function HoldBar({ event, places, total, lines, refused }: HoldBarProps) {
  const { state } = useStore(session);
  const held = useStore(basket);
  const action = useAction();
  const other = held !== null && millisecondsLeft(held) > 0;
  const tooMany = places > event.places_per_order_max;
  const submit = (): void => {
    void action.run(async () => {
      try {
        await hold(event, lines());
      } catch (thrown) {
        refused();
        throw thrown;
      }
      navigate("/basket");
    });
  };
  return (
    <div class="hold">
      <ProblemNote problem={action.problem} />
      {other && (
        <p class="note">
          You have places in the basket already. <a href="/basket">Pay for them or release them</a> first.
        </p>
      )}
      {tooMany && <p class="note">An order has at most {event.places_per_order_max} places.</p>}
      <div class="hold-bar">
        <p aria-live="polite">
          {places === 0 ? (
            <span class="quiet">Nothing chosen yet</span>
          ) : (
            <>
              <span class="quiet">{places === 1 ? "1 place" : `${places} places`}</span>
              <strong>{total && moneyText(total)}</strong>
            </>
          )}
        </p>
        {state === "in" ? (
          <button type="button" class="button" disabled={places === 0 || tooMany || other || action.busy} onClick={submit}>
            {action.busy ? "Holding…" : `Hold for ${Math.round(event.hold_seconds / 60)} min`}
          </button>
        ) : (
          <a class="button" href={signInPath()}>
            Sign in to buy
          </a>
        )}
      </div>
    </div>
  );
}

/** Why a ticket type cannot be bought now, or null when it can be, as far as its sale window says. */
export function saleNote(type: { sale_starts_at?: string | null; sale_ends_at?: string | null }): "later" | "over" | null {
  if (type.sale_starts_at && Date.parse(type.sale_starts_at) > serverNow()) return "later";
  if (type.sale_ends_at && Date.parse(type.sale_ends_at) <= serverNow()) return "over";
  return null;
}
