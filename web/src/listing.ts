/** The events that a search finds, page after page. What an overtaken search brings is dropped. */
import { useEffect, useState } from "preact/hooks";
import { getPublic } from "./api/http.ts";
import type { EventSummary, Page } from "./api/types.ts";
import { asProblem, type Problem } from "./api/wire.ts";
import { addressOf, pathOf, type Asked } from "./search.ts";
import { makeStore, useStore } from "./store.ts";

interface Listed {
  /** The search that the events answer, as an address; null before the first. */
  asked: string | null;
  items: EventSummary[];
  next: string | null;
  currency: string;
  cities: string[];
}

export interface Listing extends Listed {
  busy: boolean;
  problem: Problem | null;
  more(): void;
  again(): void;
}

const PAGE = 24;
// A search looks at some hundred events for each answer, so the next page may be the first with something on it.
const EMPTY_PAGES_MAX = 8;

// Kept outside the page, so that coming back from an event finds the list as it was left.
const listed = makeStore<Listed>({ asked: null, items: [], next: null, currency: "USD", cities: [] });
let turn = 0;

async function load(asked: Asked, isMore: boolean): Promise<void> {
  const mine = (turn += 1);
  const before = listed.get();
  let cursor = isMore ? before.next : null;
  const items = isMore ? [...before.items] : [];
  const had = items.length;
  for (let pages = 0; pages < EMPTY_PAGES_MAX; pages += 1) {
    const page = await getPublic<Page<EventSummary>>(pathOf(asked, before.currency, PAGE, cursor));
    if (mine !== turn) return;
    items.push(...page.items);
    cursor = page.next;
    if (items.length > had || cursor === null) break;
  }
  // What was seen so far tells in which currency prices are meant, and which cities there are to choose from.
  const currency = before.asked === null ? (items.find((one) => one.price_from !== null)?.price_from?.currency ?? before.currency) : before.currency;
  const cities = [...new Set([...before.cities, ...items.map((one) => one.venue.city)])].sort();
  listed.set({ asked: addressOf(asked), items, next: cursor, currency, cities });
}

export function useListing(asked: Asked): Listing {
  const now = useStore(listed);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const address = addressOf(asked);
  const run = (isMore: boolean): void => {
    setBusy(true);
    setProblem(null);
    const started = turn + 1;
    const settled = (found: Problem | null): void => {
      if (started !== turn) return;
      setProblem(found);
      setBusy(false);
    };
    load(asked, isMore).then(
      () => settled(null),
      (thrown: unknown) => settled(asProblem(thrown)),
    );
  };
  useEffect(() => {
    if (listed.get().asked !== address) run(false);
    else {
      // Back to what is shown already: whatever was on its way is not wanted any more.
      turn += 1;
      setBusy(false);
      setProblem(null);
    }
  }, [address]);
  return { ...now, busy, problem, more: () => run(true), again: () => run(now.asked === address && now.next !== null) };
}
