/** What was chosen, what it costs, and the button that holds it. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAction } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { Event, Money } from "../api/types.ts";
import { asProblem, type Problem, serverNow } from "../api/wire.ts";
import { basket, hold, millisecondsLeft, replaceable } from "../basket.ts";
import { moneyText } from "../money.ts";
import { Field, isAbout } from "../parts/field.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { navigate, signInPath } from "../router.ts";
import { useStore } from "../store.ts";

interface HoldBarProps {
  event: Event;
  places: number;
  total: Money | null;
  /** Whether something chosen is for holders of vouchers alone. */
  needsVoucher: boolean;
  /** Why what is chosen cannot be held together, if something is known to stand against it. */
  against?: string | null;
  lines(): object[];
  /** Called after a refusal: what is left has changed. */
  refused(problem: Problem): void;
}

interface VoucherProps {
  place: RefObject<HTMLDivElement | null>;
  value: string | null;
  problem: Problem | null;
  onValue(value: string): void;
}

function toField(place: HTMLElement | null): void {
  place?.querySelector("input")?.focus();
  place?.scrollIntoView({ block: "nearest" });
}

function VoucherField({ place, value, problem, onValue }: VoucherProps) {
  // It may lie below what is to be seen: a refusal of the code leads there.
  useEffect(() => {
    if (problem !== null && isAbout(problem, "voucher")) toField(place.current);
  }, [problem]);
  if (value === null) {
    return (
      <button type="button" class="plain voucher" onClick={() => onValue("")}>
        I have a voucher
      </button>
    );
  }
  const shown = problem?.slug.startsWith("voucher-") ? { problem } : {};
  return (
    <div class="voucher" ref={place}>
      <Field label="Voucher" name="voucher" value={value} required={false} hint="Its price shows in the basket." onValue={onValue} {...shown} />
    </div>
  );
}

export function HoldBar({ event, places, total, needsVoucher, against = null, lines, refused }: HoldBarProps) {
  const { state } = useStore(session);
  const held = useStore(basket);
  const action = useAction();
  const [voucher, setVoucher] = useState<string | null>(null);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (needsVoucher) setVoucher((before) => before ?? "");
  }, [needsVoucher]);
  const changes = held !== null && replaceable(held, event);
  const other = held !== null && millisecondsLeft(held) > 0 && !changes;
  const tooMany = places > event.places_per_order_max;
  const code = voucher?.trim() ?? "";
  const submit = (): void => {
    void action.run(async () => {
      try {
        await hold(event, lines(), code);
      } catch (thrown) {
        refused(asProblem(thrown));
        throw thrown;
      }
      navigate("/basket");
    });
  };
  const blocked = places === 0 || tooMany || other || against !== null || (needsVoucher && code === "");
  return (
    <>
      <VoucherField place={place} value={voucher} problem={action.problem} onValue={setVoucher} />
      <div class="hold">
        {!isAbout(action.problem, "voucher") && <ProblemNote problem={action.problem} />}
        {other && (
          <p class="note">
            You have places in the basket already. <a href="/basket">Pay for them or give them back</a> first.
          </p>
        )}
        {tooMany && <p class="note">An order has at most {event.places_per_order_max} places.</p>}
        {against !== null && <p class="note">{against}</p>}
        {needsVoucher && code === "" && (
          <p class="note">
            Some of this is sold with a voucher only.{" "}
            <button type="button" class="plain" onClick={() => toField(place.current)}>
              Enter its code
            </button>
          </p>
        )}
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
            <button type="button" class="button" disabled={blocked || action.busy} onClick={submit}>
              {action.busy ? "Holding…" : changes ? "Change basket" : `Hold for ${Math.max(1, Math.round(event.hold_seconds / 60))} min`}
            </button>
          ) : (
            <a class="button" href={signInPath()}>
              Sign in to buy
            </a>
          )}
        </div>
      </div>
    </>
  );
}

/** Says that what is chosen to begin with is the basket's. */
export function BasketNote({ event }: { event: Event }) {
  const held = useStore(basket);
  if (held === null || !replaceable(held, event)) return null;
  return <p class="note">This is what is in your basket. Changing it does not change the time you have to pay.</p>;
}

/** Why a ticket type cannot be bought now, or null when it can be, as far as its sale window says. */
export function saleNote(type: { sale_starts_at?: string | null; sale_ends_at?: string | null }): "later" | "over" | null {
  if (type.sale_starts_at && Date.parse(type.sale_starts_at) > serverNow()) return "later";
  if (type.sale_ends_at && Date.parse(type.sale_ends_at) <= serverNow()) return "over";
  return null;
}
