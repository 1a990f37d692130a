/** What accounts answers, written from docs/api/accounts.json by `make api`. Not to be changed by hand. */

/** An access token for a program, and when it ends. `plan` is whose rate it has. */
export interface AccessTokenView {
  token_type: string;
  access_token: string;
  expires_at: string;
  organiser_id: string;
  role: string;
  scopes: string[];
  plan: "free" | "partner" | "pro";
}

/** A key, without its secret. `prefix` is how its text begins, to know it by; `version` is for If-Match. */
export interface ApiKeyView {
  api_key_id: string;
  organiser_id: string;
  name: string;
  role: string;
  scopes: string[];
  prefix: string;
  generation: number;
  previous_until: string | null;
  revoked_at: string | null;
  created_at: string;
  version: number;
}

/** `ready`, or `degraded` with the checks that do not hold. */
export interface HealthView {
  service: string;
  status: string;
  checks: Record<string, string>;
}

/** Who a person is at another issuer, to the person alone. `identity_id` is what unlinks it. */
export interface IdentityView {
  identity_id: string;
  issuer: string;
  subject: string;
  linked_at: string;
}

/** What one key used in the month. */
export interface KeyUseView {
  api_key_id: string;
  name: string;
  answered: number;
  refused: number;
}

/** The public keys that verify access tokens (RFC 7517). */
export interface KeysView {
  keys: Record<string, unknown>[];
}

/** The person who asks, as it is now: an access token may be up to ten minutes behind. */
export interface MeView {
  person_id: string;
  email: string;
  name: string;
  session_id: string;
  memberships: MembershipView[];
}

/** A member of an organiser. */
export interface MemberView {
  person_id: string;
  email: string;
  name: string;
  role: string;
  member_since: string;
}

/** An organiser the person belongs to. */
export interface MembershipView {
  organiser_id: string;
  organiser_name: string;
  role: string;
}

/** An amount of one currency in its minor units (cents), negative where it is owed back. */
export interface Money {
  amount: number;
  currency: string;
}

/** What all keys of the organiser used in a month, refused requests apart; these count towards no quota. */
export interface MonthUsageView {
  month: string;
  plan: "free" | "partner" | "pro";
  quota: number | null;
  answered: number;
  refused: number;
  used_percent: number | null;
}

/** A key with its text, which is shown this once. */
export interface NewApiKeyView {
  api_key_id: string;
  organiser_id: string;
  name: string;
  role: string;
  scopes: string[];
  prefix: string;
  generation: number;
  previous_until: string | null;
  revoked_at: string | null;
  created_at: string;
  version: number;
  api_key: string;
}

/** An organiser, to its members. */
export interface OrganiserView {
  organiser_id: string;
  name: string;
  registered_at: string;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewApiKeyView {
  items: ApiKeyView[];
  next: string | null;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewIdentityView {
  items: IdentityView[];
  next: string | null;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewMemberView {
  items: MemberView[];
  next: string | null;
}

/** A person, to the person alone. */
export interface PersonView {
  person_id: string;
  email: string;
  name: string;
}

/** The organiser's plan of this month. `next_plan` takes its place when `next_month` begins; null: it stays. */
export interface PlanView {
  plan: "free" | "partner" | "pro";
  price: Money;
  quota: number | null;
  rate: number;
  burst: number;
  organiser_id: string;
  month: string;
  next_plan: "free" | "partner" | "pro" | null;
  next_month: string | null;
  offered: TermsView[];
}

/** What keeps a person signed in. `expires_at` is the access token's end, `refresh_expires_at` the session's. */
export interface SessionView {
  session_id: string;
  person_id: string;
  token_type: string;
  access_token: string;
  expires_at: string;
  refresh_token: string;
  refresh_expires_at: string;
}

/** A session that has just begun. A client keeps `device_token` for the next sign-in; it opens nothing by itself. */
export interface SignedInView {
  session_id: string;
  person_id: string;
  token_type: string;
  access_token: string;
  expires_at: string;
  refresh_token: string;
  refresh_expires_at: string;
  device_token: string;
}

/** A closed month, as it is invoiced. It does not change any more. */
export interface StatementView {
  organiser_id: string;
  organiser_name: string;
  month: string;
  plan: "free" | "partner" | "pro";
  price: Money;
  quota: number | null;
  answered: number;
  refused: number;
  keys: KeyUseView[];
  closed_at: string;
}

/** A plan: what a calendar month of it costs, the requests in that, and how fast they may come. */
export interface TermsView {
  plan: "free" | "partner" | "pro";
  price: Money;
  quota: number | null;
  rate: number;
  burst: number;
}

/** What one key used on one day: requests answered, whatever the answer, and refused for being too many (429). */
export interface UsageLineView {
  day: string;
  api_key_id: string;
  name: string;
  answered: number;
  refused: number;
}

/** Usage by key and day, a page of it. `answered` and `refused` are the sums of all pages. */
export interface UsageView {
  organiser_id: string;
  from: string;
  to: string;
  answered: number;
  refused: number;
  months: MonthUsageView[];
  items: UsageLineView[];
  next: string | null;
}
