"""Accounts: the Chalice app. Routes and triggers parse, call one use case and map the answer."""

from __future__ import annotations

from typing import Any

import msgspec
from chalice.app import AuthRequest, AuthResponse, AuthRoute, CloudWatchEvent, DynamoDBEvent, Rate

from contracts.accounts import OrganiserRegistered, QuotaReached
from services.accounts import api_key_routes, domain, identity_routes, repository, usage_routes, use_cases
from services.accounts.domain import api_keys
from services.accounts.domain.plans import QuotaExhausted
from services.accounts.domain.usage import PeriodBackwards
from services.accounts.schemas import (
    AddMember,
    KeysView,
    MembershipView,
    MembersQuery,
    MemberView,
    MeView,
    OrganiserView,
    PersonView,
    Refresh,
    RegisterOrganiser,
    SessionView,
    SignedInView,
    SignIn,
    SignUp,
)
from services.accounts.session_views import session_view
from services.accounts.settings import AccountsSettings
from services.accounts.use_cases import statements, usage
from shared import clock
from shared.auth import (
    AUTHORIZER_SECONDS,
    AccessRefused,
    TokenInvalid,
    allow,
    bearer_token,
    heard_revocations,
    verify_access_token,
)
from shared.auth.issuers import read_trusted_issuers
from shared.http import (
    IN_TABLE,
    PUBLIC,
    SIGNED_IN,
    App,
    Call,
    Conflict,
    Forbidden,
    PageView,
    costing,
    member,
    page_answer,
)
from shared.messaging import Relay
from shared.settings import load

settings = load(AccountsSettings)
# A configuration that cannot be meant stops the start, not a sign-in some day.
read_trusted_issuers(settings.trusted_issuers or "[]")
app = App(
    "accounts",
    problems={
        domain.AccountsError: (422, "validation-failed", "Something in the request is not acceptable"),
        domain.EmailTaken: (409, "email-taken", "There is an account with this e-mail address"),
        domain.SignInRefused: (401, "sign-in-refused", "The sign-in was refused"),
        domain.TooManySignIns: (429, "too-many-sign-ins", "Too many sign-ins failed"),
        domain.SessionOver: (401, "session-over", "The session is over"),
        domain.RoleNotYours: (403, "role-not-yours", "You may not give this role"),
        api_keys.UnknownScope: (422, "scope-unknown", "There is no such scope"),
        api_keys.ApiKeyRefused: (401, "api-key-refused", "The API key was refused"),
        api_keys.TooManyApiKeys: (409, "too-many-api-keys", "There are too many API keys"),
        api_keys.KeyReused: (422, "idempotency-key-reused", "The Idempotency-Key was used before"),
        api_keys.SecretChanged: (409, "secret-changed", "The secret has been changed since"),
        QuotaExhausted: (429, "quota-exhausted", "This month's requests are used up"),
        PeriodBackwards: (422, "validation-failed", "Something in the request is not acceptable"),
        **identity_routes.PROBLEMS,
    },
)
_once = IN_TABLE("ACCOUNTS_TABLE_NAME", required=False)
_SIGN_OUT = "/v1/sessions/current"
# A password's hash takes 64 MB and most of a tenth of a second.
_WITH_A_HASH = costing(4)


@app.authorizer(name="authorize", ttl_seconds=AUTHORIZER_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Verifies the access token for every route of this API, and asks the table whether its session has been ended.

    A token whose session has ended still opens the sign-out, and nothing else: a sign-out whose answer was lost is sent
    again and has to answer the same. While that policy is cached, every other route answers 403.
    """
    now = clock.now()
    try:
        claims = verify_access_token(bearer_token(request), now=now)
    except TokenInvalid as error:
        raise AccessRefused from error
    response = allow(claims)
    if not heard_revocations().refuse(claims, now) and use_cases.access_is_live(claims.identity, now):
        return response
    if not request.method_arn.endswith(f"/DELETE{_SIGN_OUT}"):
        raise AccessRefused
    return AuthResponse([AuthRoute(_SIGN_OUT, ["DELETE"])], response.principal_id, response.context)


api_key_routes.routes.add_to(app)
usage_routes.routes.add_to(app)
identity_routes.routes.add_to(app)


@app.route(
    "/v1/people",
    methods=["POST"],
    body=SignUp,
    answers=PersonView,
    status=201,
    access=PUBLIC,
    idempotency=_once,
    summary="Sign up",
    throttle=_WITH_A_HASH,
    errors=(domain.InvalidEmail, domain.WeakPassword, domain.EmailTaken, domain.TooManySignIns),
)
def sign_up(call: Call) -> Any:
    """Makes an account. With the account's own password it can be sent again at any time, and answers the same."""
    person = use_cases.sign_up(call.body, call.operation_id, call.now, address=call.source_ip)
    return PersonView(person_id=person.person_id, email=person.email, name=person.name)


@app.route("/v1/people/me", answers=MeView, access=SIGNED_IN, summary="Who am I", errors=(Forbidden,))
def show_me(call: Call) -> Any:
    """The signed-in person and the organisers it belongs to, as of now."""
    person = use_cases.me(call.person)
    return MeView(
        person_id=person.person_id,
        email=person.email,
        name=person.name,
        session_id=call.person.session_id,
        memberships=[
            MembershipView(organiser_id=one.organiser_id, organiser_name=one.organiser_name, role=one.role)
            for one in person.memberships
        ],
    )


@app.route(
    "/v1/sessions",
    methods=["POST"],
    body=SignIn,
    answers=SignedInView,
    status=201,
    access=PUBLIC,
    summary="Sign in",
    throttle=_WITH_A_HASH,
    errors=(domain.SignInRefused, domain.TooManySignIns),
)
def sign_in(call: Call) -> Any:
    """Begins a session. Its tokens are stored nowhere, so sent again it begins another.

    After ten failures from one address at one account, the next may be tried a minute later.
    """
    signed_in, device_token = use_cases.sign_in(call.body, call.source_ip, call.now)
    return SignedInView(**msgspec.structs.asdict(session_view(signed_in)), device_token=device_token)


@app.route(
    "/v1/sessions/refresh",
    methods=["POST"],
    body=Refresh,
    answers=SessionView,
    access=PUBLIC,
    summary="Stay signed in",
    errors=(domain.SessionOver,),
)
def refresh(call: Call) -> Any:
    """Gives new tokens for the newest refresh token; an outdated one ends the session, but for 30 s of grace."""
    return session_view(use_cases.refresh(call.body.refresh_token, call.now))


@app.route(_SIGN_OUT, methods=["DELETE"], status=204, access=SIGNED_IN, summary="Sign out")
def sign_out(call: Call) -> None:
    """Ends the session. Every service refuses its access token within a minute."""
    use_cases.sign_out(call.person.session_id, call.now)


@app.route(
    "/v1/organisers",
    methods=["POST"],
    body=RegisterOrganiser,
    answers=OrganiserView,
    status=201,
    access=SIGNED_IN,
    idempotency=_once,
    summary="Register an organiser",
    errors=(domain.InvalidName, domain.TooManyMemberships, Forbidden),
)
def register_organiser(call: Call) -> Any:
    """Makes an organiser, owned by who asks. The role is in the access token after the next refresh."""
    return _organiser_view(use_cases.register_organiser(call.body, call.person, call.operation_id, call.now))


@app.route(
    "/v1/organisers/{organiser_id}",
    answers=OrganiserView,
    access=member(),
    summary="An organiser",
    errors=(Forbidden,),
)
def show_organiser(call: Call) -> Any:
    """An organiser, to its members."""
    return _organiser_view(use_cases.organiser(call.path["organiser_id"]))


@app.route(
    "/v1/organisers/{organiser_id}/members",
    query=MembersQuery,
    answers=PageView[MemberView],
    access=member("owner", "manager"),
    summary="Its members",
)
def list_members(call: Call) -> Any:
    """The organiser's members, to its owners and managers."""
    organiser_id = call.path["organiser_id"]
    page = use_cases.list_members(organiser_id, call.query.limit, call.query.cursor)
    return page_answer(page, _member_view, f"/v1/organisers/{organiser_id}/members", call.query)


@app.route(
    "/v1/organisers/{organiser_id}/members",
    methods=["POST"],
    body=AddMember,
    answers=MemberView,
    status=201,
    access=member("owner", "manager"),
    idempotency=_once,
    summary="Add a member",
    errors=(
        domain.InvalidEmail,
        domain.UnknownPerson,
        domain.RoleNotYours,
        domain.TooManyMemberships,
        Conflict,
    ),
)
def add_member(call: Call) -> Any:
    """Gives somebody who has an account a role here. The same again changes nothing."""
    return _member_view(use_cases.add_member(call.path["organiser_id"], call.body, call.person, call.now))


@app.route(
    "/v1/organisers/{organiser_id}/members/{person_id}",
    methods=["DELETE"],
    status=204,
    access=member("owner", "manager"),
    summary="Remove a member",
    errors=(domain.RoleNotYours, Conflict),
)
def remove_member(call: Call) -> None:
    """Takes somebody out, never oneself: the last owner stays. Every service refuses the role within a minute.

    Harmless when repeated.
    """
    use_cases.remove_member(call.path["organiser_id"], call.path["person_id"], call.person, call.now)


@app.route(
    "/.well-known/jwks.json",
    answers=KeysView,
    access=PUBLIC,
    summary="The keys that verify access tokens",
    # A new key is published for longer than that before it signs, so that nobody meets a token by a key not seen yet.
    cache="public, max-age=3600",
)
def show_keys(call: Call) -> Any:
    """The public keys, the one that signs now in front."""
    return use_cases.keys()


def _organiser_view(row: repository.OrganiserRow) -> OrganiserView:
    return OrganiserView(organiser_id=row.organiser_id, name=row.name, registered_at=row.created_at)


def _member_view(row: repository.MemberRow) -> MemberView:
    return MemberView(
        person_id=row.person_id, email=row.email, name=row.name, role=row.role, member_since=row.created_at
    )


_relay = Relay(
    source="accounts",
    topic_arn=settings.accounts_topic_arn,
    builders={
        OrganiserRegistered.type_name: use_cases.registered_message,
        QuotaReached.type_name: usage.quota_message,
    },
)


@app.on_dynamodb_record(
    stream_arn=settings.accounts_table_stream_arn,
    batch_size=100,
    starting_position="TRIM_HORIZON",
    name="relay",
)
def relay(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
    """Publishes what the organisers' rows announce."""
    return _relay.handle(event)


@app.schedule(Rate(1, unit=Rate.MINUTES), name="mend_revocations")
def mend_revocations(event: CloudWatchEvent) -> None:
    """Tells the other services of revocations that Redis did not take, or lost."""
    use_cases.mend_revocations(clock.now())


@app.schedule(Rate(1, unit=Rate.MINUTES), name="carry_usage")
def carry_usage(event: CloudWatchEvent) -> None:
    """Carries what API keys used from Redis into the table."""
    usage.carry_usage(clock.now())


@app.schedule(Rate(1, unit=Rate.HOURS), name="close_month")
def close_month(event: CloudWatchEvent) -> None:
    """Closes the month before, on its first run after two hours of the next; later runs find it closed."""
    statements.close_month(clock.now())
