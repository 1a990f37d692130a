/** What is searched for: as the address of the page says it, and as the API is asked. Empty texts ask nothing. */
import { decimalsOf } from "./money.ts";

export interface Asked {
  q: string;
  from: string;
  to: string;
  city: string;
  price_min: string;
  price_max: string;
  /** "true" hides what is sold out. */
  available: string;
  sort: string;
}

export const NOTHING: Asked = { q: "", from: "", to: "", city: "", price_min: "", price_max: "", available: "", sort: "" };

const NAMES = Object.keys(NOTHING) as (keyof Asked)[];
const SORTS = ["relevance", "price", "-starts_at"];
const DAY = /^\d{4}-\d{2}-\d{2}$/;
// Prices are typed in whole units and decimals of a currency, and asked for in its minor units.
const PRICE = /^\d{1,6}([.,]\d{1,3})?$/;
/** The words of a search that the API takes. */
const TEXT_MAX = 200;

/** What an address asks. What nobody could have picked or typed here is left out, so that an old link still works. */
export function askedOf(query: URLSearchParams): Asked {
  const given = (name: keyof Asked): string => (query.get(name) ?? "").trim();
  const day = (name: "from" | "to"): string => (DAY.test(given(name)) ? given(name) : "");
  const price = (name: "price_min" | "price_max"): string => (PRICE.test(given(name)) ? given(name) : "");
  const q = given("q").slice(0, TEXT_MAX);
  const sort = SORTS.includes(given("sort")) ? given("sort") : "";
  return {
    q,
    from: day("from"),
    to: day("to"),
    city: given("city"),
    price_min: price("price_min"),
    price_max: price("price_max"),
    available: given("available") === "true" ? "true" : "",
    // Nothing is a better match than another where no words are asked for.
    sort: sort === "relevance" && q === "" ? "" : sort,
  };
}

/** The address of the page that asks it. */
export function addressOf(asked: Asked): string {
  const given = new URLSearchParams(NAMES.filter((name) => asked[name].trim() !== "").map((name) => [name, asked[name].trim()]));
  return given.size === 0 ? "/" : `/?${given}`;
}

/** Where the API answers it; prices are meant in that currency. */
export function pathOf(asked: Asked, currency: string, limit: number, cursor: string | null): string {
  const query = new URLSearchParams({ limit: String(limit) });
  const minor = (typed: string): string => String(Math.round(Number(typed.replace(",", ".")) * 10 ** decimalsOf(currency)));
  for (const name of NAMES) {
    const value = asked[name];
    if (value !== "") query.set(name, name === "price_min" || name === "price_max" ? minor(value) : value);
  }
  if (asked.price_min !== "" || asked.price_max !== "") query.set("currency", currency);
  if (cursor !== null) query.set("cursor", cursor);
  return `/v1/events?${query}`;
}

/** How many of the filters are set that a phone keeps folded away. */
export function filtersSet(asked: Asked): number {
  return [asked.from || asked.to, asked.city, asked.price_min || asked.price_max, asked.available].filter((one) => one !== "").length;
}

/** Whether events come by date, so that months can head them. */
export function isByDate(asked: Asked): boolean {
  return asked.sort === "" || asked.sort === "-starts_at";
}
