"""Every route that changes something, for the tests that send it again, and what may differ then."""

from __future__ import annotations

# Routes whose repetition is not the very same, and what it is instead.
EXCEPTIONS = {
    # No token is stored anywhere, so it begins another session, which ends by itself when nobody uses it.
    "POST /v1/sessions": "begins another",
    "POST /v1/sessions/oidc": "begins another",
    # The refresh token is the same; the access token is made anew.
    "POST /v1/sessions/refresh": "new access token",
    # An access token is made anew, and stored nowhere.
    "POST /v1/access-tokens": "writes nothing",
    # A Pass is a signature over what is known already.
    "POST /v1/waiting-rooms/{event_id}/passes": "writes nothing",
}
ROUTES = [
    "POST /v1/people",
    "POST /v1/sessions",
    "POST /v1/sessions/refresh",
    "POST /v1/sessions/oidc",
    "POST /v1/people/me/identities",
    "DELETE /v1/people/me/identities/{identity_id}",
    "DELETE /v1/sessions/current",
    "POST /v1/organisers",
    "POST /v1/organisers/{organiser_id}/members",
    "DELETE /v1/organisers/{organiser_id}/members/{person_id}",
    "POST /v1/organisers/{organiser_id}/api-keys",
    "POST /v1/organisers/{organiser_id}/api-keys/{api_key_id}/rotation",
    "PATCH /v1/organisers/{organiser_id}/api-keys/{api_key_id}",
    "DELETE /v1/organisers/{organiser_id}/api-keys/{api_key_id}",
    "PUT /v1/organisers/{organiser_id}/plan",
    "POST /v1/access-tokens",
    "POST /v1/venues",
    "POST /v1/seat-maps",
    "POST /v1/series",
    "POST /v1/events",
    "PATCH /v1/events/{event_id}",
    "POST /v1/events/{event_id}/publication",
    "POST /v1/imports",
    "POST /v1/events/{event_id}/vouchers",
    "PATCH /v1/vouchers/{voucher_id}",
    "DELETE /v1/vouchers/{voucher_id}",
    "PATCH /v1/pools/{pool_id}",
    "POST /v1/events/{event_id}/withholdings",
    "PATCH /v1/events/{event_id}/withholdings/{withholding_id}",
    "DELETE /v1/events/{event_id}/withholdings/{withholding_id}",
    "POST /v1/holds",
    "POST /v1/holds/{hold_id}/extension",
    "DELETE /v1/holds/{hold_id}",
    "PUT /v1/waiting-rooms/{event_id}",
    "PATCH /v1/waiting-rooms/{event_id}",
    "POST /v1/waiting-rooms/{event_id}/numbers",
    "POST /v1/waiting-rooms/{event_id}/passes",
    "POST /v1/waiting-lists/{event_id}/entries",
    "DELETE /v1/waiting-lists/{event_id}/entries/{entry_id}",
    "POST /v1/orders",
    "POST /v1/orders/{order_id}/cancellation",
    "POST /v1/payments",
    "POST /v1/webhooks/test",
    "POST /v1/gates",
    "POST /v1/admissions",
]
