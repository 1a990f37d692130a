/** What reporting answers, written from docs/api/reporting.json by `make api`. Not to be changed by hand. */

/** Figures in one currency. `sold` and `revenue` count what was given back later as well; `net` does not. */
export interface AmountsView {
  sold: number;
  revenue: Money;
  tickets_refunded: number;
  refunded: Money;
  net: Money;
}

/** What was sold, and what was given back, on one day of the venue's calendar, in one currency. */
export interface DayAmounts {
  day: string;
  amounts: AmountsView;
}

/** What was sold, and what was given back, on one day of the venue's calendar. */
export interface DaySalesView {
  sold: number;
  revenue: Money;
  tickets_refunded: number;
  refunded: Money;
  net: Money;
  day: string;
}

/** How many tickets were ever admitted, and how many are inside now. */
export interface DoorView {
  admitted: number;
  inside: number;
}

/** An event's figures in detail: `amounts` has one entry for each currency, the event's own first. */
export interface EventReportV2View {
  event: EventReported;
  door: DoorView;
  amounts: AmountsView[];
  by_ticket_type: TicketTypeAmounts[];
  by_day: DayAmounts[];
}

/** An event's figures in detail. */
export interface EventReportView {
  sold: number;
  revenue: Money;
  tickets_refunded: number;
  refunded: Money;
  net: Money;
  event_id: string;
  name: string | null;
  starts_at: string | null;
  time_zone: string | null;
  admitted: number;
  inside: number;
  capacity: number | null;
  other_currencies: AmountsView[];
  by_ticket_type: TicketTypeSalesView[];
  by_day: DaySalesView[];
}

/** The event that figures are of. `capacity` is how many places it has, as the organiser last changed it. */
export interface EventReported {
  event_id: string;
  name: string | null;
  starts_at: string | null;
  time_zone: string | null;
  capacity: number | null;
}

/** An event's figures in its own currency; sales in others stand apart and are never added. */
export interface EventSalesView {
  sold: number;
  revenue: Money;
  tickets_refunded: number;
  refunded: Money;
  net: Money;
  event_id: string;
  name: string | null;
  starts_at: string | null;
  time_zone: string | null;
  admitted: number;
  inside: number;
  capacity: number | null;
  other_currencies: AmountsView[];
}

/** `ready`, or `degraded` with the checks that do not hold. */
export interface HealthView {
  service: string;
  status: string;
  checks: Record<string, string>;
}

/** An amount of one currency in its minor units (cents), negative where it is owed back. */
export interface Money {
  amount: number;
  currency: string;
}

/** An organiser's events by their start, and the sums by currency. */
export interface SalesView {
  organiser_id: string;
  items: EventSalesView[];
  totals: AmountsView[];
  next: string | null;
}

/** What was sold of one ticket type, in one currency. */
export interface TicketTypeAmounts {
  ticket_type_id: string;
  name: string;
  amounts: AmountsView;
}

/** What was sold of one ticket type. */
export interface TicketTypeSalesView {
  sold: number;
  revenue: Money;
  tickets_refunded: number;
  refunded: Money;
  net: Money;
  ticket_type_id: string;
  name: string;
}
