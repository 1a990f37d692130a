/** What the API answers, by the names the pages use. The types themselves are written from the API's documents. */
import type {
  ApiKeyView,
  MembershipView,
  MeView,
  NewApiKeyView,
  PlanView,
  SessionView,
  SignedInView,
  TermsView,
  UsageView,
} from "./generated/accounts.ts";
import type { EventSummary, EventView, TicketTypeView, VoucherView, Work } from "./generated/catalog.ts";
import type { OrderPlaced, OrderState as OrderStateNow, OrderView } from "./generated/orders.ts";
import type { PaymentView } from "./generated/payments.ts";
import type { AmountsView, EventSalesView, SalesView } from "./generated/reporting.ts";
import type {
  Availability,
  EntryView,
  HoldView,
  Money,
  NumberView,
  PassView,
  PlaceSold,
  PoolView,
  SectionAvailability,
  WaitingRoomControl,
  WaitingRoomSettings,
  WaitingRoomStatus,
  WithholdingView,
} from "./generated/reservations.ts";
import type { AdmissionView, GateView, TicketView } from "./generated/tickets.ts";

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** With a state that orders do not have yet, for pages that stand open when they get it. */
export type OrderState = OrderStateNow | "partially_refunded";

/** A run of seats: row, first seat, last seat, price zone. */
export type Run = SectionAvailability["rows"][number];

export type {
  AdmissionView as Admission,
  AmountsView as Amounts,
  ApiKeyView as ApiKey,
  Availability,
  EntryView as WaitingListEntry,
  EventSalesView as EventSales,
  EventSummary,
  EventView as Event,
  GateView as Gate,
  HoldView as Hold,
  MembershipView as Membership,
  MeView as Me,
  Money,
  NewApiKeyView as NewApiKey,
  NumberView as WaitingNumber,
  OrderPlaced,
  OrderView as Order,
  PassView as Pass,
  PaymentView as Payment,
  PlaceSold,
  PlanView as Plan,
  PoolView as Pool,
  SalesView as Sales,
  SectionAvailability,
  SessionView as Session,
  SignedInView as SignedInSession,
  TermsView as Terms,
  TicketTypeView as TicketType,
  TicketView as Ticket,
  UsageView as Usage,
  VoucherView as Voucher,
  WaitingRoomControl,
  WaitingRoomSettings,
  WaitingRoomStatus,
  WithholdingView as Withholding,
  Work,
};
