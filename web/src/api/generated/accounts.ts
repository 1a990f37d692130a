/** What accounts answers, written from docs/api/accounts.json by `make api`. Not to be changed by hand. */

/** An access token for a program, and when it ends. */
export interface AccessTokenView {
  token_type: string;
  access_token: string;
  expires_at: string;
  organiser_id: string;
  role: string;
  scopes: string[];
}

/** A key, without its secret. `prefix` is how its text begins, to know it by. */
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
}

/** `ready`, or `degraded` with the checks that do not hold. */
export interface HealthView {
  service: string;
  status: string;
  checks: Record<string, string>;
}

/** Who a person is at another issuer. */
export interface IdentityView {
  issuer: string;
  subject: string;
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
