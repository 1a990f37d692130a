/** What catalog answers, written from docs/api/catalog.json by `make api`. Not to be changed by hand. */

/** An event as lists show it. `price_from` is the lowest price for everybody. */
export interface EventSummary {
  event_id: string;
  organiser_id: string;
  organiser_name: string | null;
  name: string;
  state: "draft" | "published";
  starts_at: string;
  time_zone: string;
  venue: PlaceView;
  series_id: string | null;
  series_name: string | null;
  price_from: Money | null;
  availability: "available" | "few-left" | "not-on-sale" | "sold-out";
  availability_at: string | null;
  ticket_types?: TicketTypeView[];
}

/** An event with everything a buyer, or its organiser, wants to know. */
export interface EventView {
  event_id: string;
  organiser_id: string;
  organiser_name: string | null;
  name: string;
  state: "draft" | "published";
  starts_at: string;
  time_zone: string;
  venue: PlaceView;
  series_id: string | null;
  series_name: string | null;
  price_from: Money | null;
  availability: "available" | "few-left" | "not-on-sale" | "sold-out";
  availability_at: string | null;
  ticket_types: TicketTypeView[];
  version: number;
  doors_at: string | null;
  description: string | null;
  currency: string;
  hold_seconds: number;
  places_per_order_max: number;
  places_per_buyer_max: number | null;
  pools: PoolView[];
  programme: Work[];
  published_at: string | null;
}

/** `ready`, or `degraded` with the checks that do not hold. */
export interface HealthView {
  service: string;
  status: string;
  checks: Record<string, string>;
}

/** What became of a season. */
export interface ImportReport {
  source: string;
  organiser_id: string;
  programs: number;
  concerts: number;
  weeks_moved: number;
  venues: Tally;
  seat_maps: Tally;
  series: Tally;
  events: Tally;
  rows_written: number;
  complete: boolean;
  remaining: number;
  unpublished: RowReport[];
  unread: RowReport[];
}

/** An amount of one currency in its minor units (cents), negative where it is owed back. */
export interface Money {
  amount: number;
  currency: string;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewEventSummary {
  items: EventSummary[];
  next: string | null;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewSeriesView {
  items: SeriesView[];
  next: string | null;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewVenueView {
  items: VenueView[];
  next: string | null;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewVoucherView {
  items: VoucherView[];
  next: string | null;
}

/** Where an event takes place; expanded, with its `address`, unless the venue is private. */
export interface PlaceView {
  venue_id: string;
  name: string;
  city: string;
  address?: string | null;
}

/** A capacity; a seated one's is the number of seats of its map. */
export interface PoolView {
  pool_id: string;
  name: string;
  kind: "general" | "seated";
  capacity?: number | null;
  seat_map_id?: string | null;
}

/** A row of the season with something to say about it: its path in the input, its programme's number and why. */
export interface RowReport {
  row: string;
  program_id: string | null;
  reason: string;
  event_id?: string | null;
}

/** A row of seats. */
export interface RowView {
  name: string;
  runs: RunView[];
}

/** Neighbouring seats of one price zone; an `accessible` run is a bay, and says which seats are for companions. */
export interface RunView {
  first: number;
  last: number;
  zone: string;
  accessible?: boolean;
  companions?: number[];
}

/** A plan with its number of seats and its price zones. */
export interface SeatMapView {
  seat_map_id: string;
  organiser_id: string;
  venue_id: string;
  name: string;
  seats: number;
  zones: string[];
  sections: SectionView[];
}

/** A part of the house. */
export interface SectionView {
  name: string;
  rows: RowView[];
}

/** Events that belong together. */
export interface SeriesView {
  series_id: string;
  organiser_id: string;
  name: string;
}

/** How many came in now, and how many were there before. */
export interface Tally {
  created: number;
  present: number;
}

/** What is on sale. Complimentary ticket types are shown to members only. */
export interface TicketTypeView {
  ticket_type_id: string;
  name: string;
  price: Money;
  pool_id: string;
  pool: string;
  zone?: string | null;
  sale_starts_at?: string | null;
  sale_ends_at?: string | null;
  places_per_order_max?: number | null;
  places_max?: number | null;
  access?: "complimentary" | "public" | "voucher";
}

/** A place. */
export interface VenueView {
  venue_id: string;
  organiser_id: string;
  name: string;
  city: string;
  time_zone: string;
  address: string | null;
  private: boolean;
}

/** A voucher. Without `ticket_type_ids` it is for all of them. */
export interface VoucherView {
  voucher_id: string;
  event_id: string;
  code: string;
  uses_max: number;
  ticket_type_ids: string[];
  percent_off: number;
  price: Money | null;
  valid_from: string | null;
  valid_until: string | null;
  revoked: boolean;
  version: number;
}

/** The vouchers that a request has made. */
export interface VouchersMade {
  items: VoucherView[];
}

/** One entry of a concert's programme. */
export interface Work {
  title: string;
  composer?: string | null;
  movement?: string | null;
  conductor?: string | null;
  soloists?: string[];
}
