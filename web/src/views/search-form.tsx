/** The words, days, city and price that events are searched by. What is asked stands in the page's address. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/wire.ts";
import { signOf } from "../money.ts";
import { Choice } from "../parts/choice.tsx";
import { Field, isAbout } from "../parts/field.tsx";
import { rename } from "../router.ts";
import { addressOf, filtersSet, NOTHING, type Asked } from "../search.ts";

const TYPING_MS = 350;

interface SearchFormProps {
  asked: Asked;
  currency: string;
  cities: string[];
  problem: Problem | null;
}

/** What is typed, at once; the address follows when typing rests. Changes of the address from elsewhere win. */
function useDraft(asked: Asked): [Asked, (change: Partial<Asked>, delayMs?: number) => void] {
  const [draft, setDraft] = useState(asked);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const address = addressOf(asked);
  const sent = useRef(address);
  useEffect(() => {
    if (address !== sent.current) {
      clearTimeout(timer.current);
      setDraft(asked);
    }
    sent.current = address;
  }, [address]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (part: Partial<Asked>, delayMs = 0): void => {
    const next = { ...draft, ...part };
    setDraft(next);
    clearTimeout(timer.current);
    const send = (): void => {
      sent.current = addressOf(next);
      rename(sent.current);
    };
    if (delayMs === 0) send();
    else timer.current = setTimeout(send, delayMs);
  };
  return [draft, change];
}

export function SearchForm({ asked, currency, cities, problem }: SearchFormProps) {
  const [draft, change] = useDraft(asked);
  const [isOpen, setOpen] = useState(filtersSet(asked) > 0);
  const [city, setCity] = useState(draft.city);
  const id = useId();
  useEffect(() => setCity(draft.city), [draft.city]);
  const set = filtersSet(draft);
  const sorts = [
    { value: "", label: "Soonest" },
    { value: "-starts_at", label: "Latest" },
    { value: "price", label: "Lowest price" },
    ...(draft.q.trim() === "" ? [] : [{ value: "relevance", label: "Best match" }]),
  ];
  return (
    <form
      class="search"
      role="search"
      onSubmit={(submit) => {
        submit.preventDefault();
        change({ city });
      }}
    >
      <div class="field search-words">
        <label for={`${id}-q`}>Search</label>
        <input
          id={`${id}-q`}
          type="search"
          name="q"
          value={draft.q}
          maxLength={200}
          placeholder="Artist, work or hall"
          autoComplete="off"
          enterKeyHint="search"
          aria-invalid={isAbout(problem, "q")}
          onInput={(input) => change({ q: input.currentTarget.value }, TYPING_MS)}
        />
      </div>
      <button type="button" class="button quiet-button search-fold" aria-expanded={isOpen} aria-controls={`${id}-filters`} onClick={() => setOpen(!isOpen)}>
        Filters{set > 0 && <span class="count">{set}</span>}
      </button>
      <div id={`${id}-filters`} class={isOpen ? "filters open" : "filters"}>
        <Field label="From" name="from" type="date" required={false} value={draft.from} problem={problem} onValue={(from) => change({ from })} />
        <Field label="To" name="to" type="date" required={false} value={draft.to} problem={problem} onValue={(to) => change({ to })} />
        <Price label={`Price from (${signOf(currency)})`} name="price_min" value={draft.price_min} problem={problem} onValue={(typed) => change({ price_min: typed }, TYPING_MS)} />
        <Price label={`Price to (${signOf(currency)})`} name="price_max" value={draft.price_max} problem={problem} onValue={(typed) => change({ price_max: typed }, TYPING_MS)} />
        <div class="field">
          <label for={`${id}-city`}>City</label>
          <input
            id={`${id}-city`}
            name="city"
            value={city}
            maxLength={160}
            list={`${id}-cities`}
            placeholder="Any"
            autoComplete="off"
            onInput={(input) => {
              setCity(input.currentTarget.value);
              // Picked from the list, or emptied: that is meant. Half a name is not, until it is left.
              if (["", ...cities].includes(input.currentTarget.value)) change({ city: input.currentTarget.value });
            }}
            onChange={(input) => change({ city: input.currentTarget.value })}
          />
          <datalist id={`${id}-cities`}>
            {cities.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </div>
        <Choice label="Order" value={draft.sort} options={sorts} onValue={(sort) => change({ sort })} />
        <label class="check">
          <input type="checkbox" name="available" checked={draft.available !== ""} onChange={(input) => change({ available: input.currentTarget.checked ? "true" : "" })} />
          Hide sold out
        </label>
      </div>
      {(set > 0 || draft.q !== "" || draft.sort !== "") && (
        <button type="button" class="plain search-clear" onClick={() => change(NOTHING)}>
          Clear search
        </button>
      )}
    </form>
  );
}

interface PriceProps {
  label: string;
  name: "price_min" | "price_max";
  value: string;
  problem: Problem | null;
  onValue(typed: string): void;
}

function Price({ label, name, value, problem, onValue }: PriceProps) {
  return <Field label={label} name={name} type="number" min={0} max={999_999} step="any" required={false} value={value} problem={problem} onValue={onValue} />;
}
