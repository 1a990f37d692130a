/** What notifications answers, written from docs/api/notifications.json by `make api`. Not to be changed by hand. */

/** `ready`, or `degraded` with the checks that do not hold. */
export interface HealthView {
  service: string;
  status: string;
  checks: Record<string, string>;
}

/** One mail about an order. `state` is `claimed` while it is being sent. */
export interface NotificationView {
  order_id: string;
  kind: "offer" | "quota" | "refund" | "tickets";
  state: "claimed" | "sent" | "undeliverable";
  address: string;
  subject: string;
  tries: number;
  sent_at: string | null;
}

/** The mails about one order; there are few, so they come on one page. */
export interface Notifications {
  items: NotificationView[];
  next: string | null;
}
