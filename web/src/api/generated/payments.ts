/** What payments answers, written from docs/api/payments.json by `make api`. Not to be changed by hand. */

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

/** Where a payment stands. */
export type PaymentState = "open" | "refunded" | "refunding" | "succeeded";

/** A payment as its reader sees it. `checkout_url` is there while it can be paid at. */
export interface PaymentView {
  payment_id: string;
  order_id: string;
  state: PaymentState;
  amount: Money;
  attempts: number;
  checkout_url: string | null;
  expires_at: string;
  succeeded_at: string | null;
  refunded_at: string | null;
}

/** What became of a webhook: `taken`, or `ignored` when it is of no interest here. */
export interface WebhookTaken {
  outcome: string;
}
