"""Who gets what from every route of every service: nobody sees or changes what is another's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest

from shared.auth import Identity
from shared.http.access import Member
from tests.saga.front_door import Asked, Caller, Reply, route_of
from tests.saga.stored import effect, stored
from tests.saga.streets import Streets
from tests.saga.tenants import Town, order_request, payment_request, scan_request
from tests.saga.writes import Writes

# One of the workers does all of it, because making the town takes its time.
pytestmark = pytest.mark.xdist_group("tenancy")

# Everything here is of the organiser Aurora and of a buyer of its tickets. `rival` owns another organiser, `other` has
# bought a ticket for the same event, `stranger` has signed in and has nothing.
#
# A number is the status, and 2xx with a number may show all there is. `own` is a 2xx that shows nothing of Aurora's or
# the buyer's that is not public, `none` an empty list, `-` is not asked.
TABLE = """
route                                           nobody stranger rival other scanner box_office manager owner buyer
GET    /health                                   own    own   own   own   own   own   own   own   own
GET    /.well-known/jwks.json                    own    own   own   own   own   own   own   own   own
GET    /v1/ticket-keys                           own    own   own   own   own   own   own   own   own

POST   /v1/people                                own    -     -     -     -     -     -     -     -
GET    /v1/people/me                             401    own   own   own   own   own   own   own   200
POST   /v1/sessions                              201    -     -     -     -     -     -     -     -
POST   /v1/sessions/refresh                      200    -     -     -     -     -     -     -     -
POST   /v1/sessions/oidc                         own    -     -     -     -     -     -     -     -
POST   /v1/people/me/identities                  401    own   -     -     -     -     -     -     -
GET    /v1/people/me/identities                  401    own   own   own   own   own   own   own   200
DELETE /v1/people/me/identities/{identity_id}    401    404   404   404   404   404   404   404   204
DELETE /v1/sessions/current                      401    -     -     -     -     -     -     -     204
POST   /v1/organisers                            401    own   -     -     -     -     -     -     -
GET    /v1/organisers/{organiser_id}             401    404   404   404   200   200   200   200   404
GET    /v1/organisers/{organiser_id}/members     401    404   404   404   403   403   200   200   404
POST   /v1/organisers/{organiser_id}/members     401    404   404   404   403   403   201   201   404
DELETE /v1/organisers/{organiser_id}/members/{person_id} 401 404  404   404   403   403   204   204   404
POST   /v1/organisers/{organiser_id}/api-keys    401    404   404   404   403   403   201   201   404
GET    /v1/organisers/{organiser_id}/api-keys    401    404   404   404   403   403   200   200   404
POST   /v1/organisers/{organiser_id}/api-keys/{api_key_id}/rotation 401 404 404 404 403 403 200   200   404
DELETE /v1/organisers/{organiser_id}/api-keys/{api_key_id} 401  404   404   404   403   403   204   204   404
PATCH  /v1/organisers/{organiser_id}/api-keys/{api_key_id} 401  404   404   404   403   403   200   200   404
GET    /v1/organisers/{organiser_id}/plan        401    404   404   404   403   403   200   200   404
PUT    /v1/organisers/{organiser_id}/plan        401    404   404   404   403   403   403   200   404
GET    /v1/usage                                 401    404   404   404   403   403   200   200   404
GET    /v1/usage (of nobody)                     401    422   422   422   422   422   422   422   422
GET    /v1/organisers/{organiser_id}/statements/{month} 401 404  404   404   403   403   200   200   404
POST   /v1/access-tokens                         own    own   own   own   own   own   own   own   own

POST   /v1/venues                                401    404   404   404   403   403   201   201   404
GET    /v1/venues                                401    404   404   404   200   200   200   200   404
GET    /v1/venues/{venue_id}                     own    own   own   own   own   own   own   own   own
GET    /v1/venues/{venue_id} (private)           404    404   404   404   200   200   200   200   404
POST   /v1/seat-maps                             401    404   404   404   403   403   201   201   404
POST   /v1/seat-maps (for Aurora's venue)        -      -     422   -     -     -     -     -     -
GET    /v1/seat-maps/{seat_map_id}               own    own   own   own   own   own   own   own   own
POST   /v1/series                                401    404   404   404   403   403   201   201   404
GET    /v1/series                                401    404   404   404   200   200   200   200   404
POST   /v1/events                                401    404   404   404   403   403   201   201   404
POST   /v1/events (in Aurora's venue)            -      -     422   -     -     -     -     -     -
GET    /v1/events                                own    own   own   own   own   own   own   own   own
GET    /v1/events (Aurora's)                     own    own   own   own   200   200   200   200   own
GET    /v1/events/{event_id}                     own    own   own   own   own   own   own   own   own
GET    /v1/events/{event_id} (draft)             404    404   404   404   200   200   200   200   404
PATCH  /v1/events/{event_id}                     401    403   404   403   403   403   200   200   403
POST   /v1/events/{event_id}/publication         401    403   404   403   403   403   200   200   403
POST   /v1/imports                               401    404   404   404   403   403   200   200   404
POST   /v1/events/{event_id}/vouchers            401    403   404   403   403   403   201   201   403
GET    /v1/events/{event_id}/vouchers            401    403   404   403   403   200   200   200   403
PATCH  /v1/vouchers/{voucher_id}                 401    403   404   403   403   403   200   200   403
DELETE /v1/vouchers/{voucher_id}                 401    403   404   403   403   403   204   204   403

POST   /v1/waiting-lists/{event_id}/entries      401    own   own   own   own   own   own   own   201
GET    /v1/waiting-lists/{event_id}/entries      401    own   own   own   own   own   own   own   200
DELETE /v1/waiting-lists/{event_id}/entries/{entry_id} 401 404 404   404   404   404   404   404   204
POST   /v1/holds                                 401    own   own   own   own   own   own   own   201
POST   /v1/holds (instead of another hold)       401    404   404   404   404   404   404   404   201
POST   /v1/holds/{hold_id}/extension             401    404   404   404   404   404   404   404   200
GET    /v1/holds/{hold_id}                       401    404   404   404   404   404   404   404   200
DELETE /v1/holds/{hold_id}                       401    404   404   404   404   404   404   404   204
GET    /v1/availability/{event_id}               own    own   own   own   own   own   own   own   own
GET    /v1/events/{event_id}/pools               401    403   404   403   403   200   200   200   403
PATCH  /v1/pools/{pool_id}                       401    403   404   403   403   403   200   200   403
POST   /v1/events/{event_id}/withholdings        401    403   404   403   403   201   201   201   403
GET    /v1/events/{event_id}/withholdings        401    403   404   403   403   200   200   200   403
PATCH  /v1/events/{event_id}/withholdings/{withholding_id} 401 403 404 403 403   200   200   200   403
DELETE /v1/events/{event_id}/withholdings/{withholding_id} 401 403 404 403 403   204   204   204   403

PUT    /v1/waiting-rooms/{event_id}              401    403   404   403   403   403   200   200   403
GET    /v1/waiting-rooms/{event_id}              401    403   404   403   403   200   200   200   403
PATCH  /v1/waiting-rooms/{event_id}              401    403   404   403   403   403   200   200   403
GET    /v1/waiting-rooms/{event_id}/status       own    own   own   own   own   own   own   own   own
POST   /v1/waiting-rooms/{event_id}/numbers      401    own   own   own   own   own   own   own   200
POST   /v1/waiting-rooms/{event_id}/passes       401    422   422   422   422   422   422   422   201

POST   /v1/orders                                401    403   403   403   403   403   403   403   201
GET    /v1/orders                                401    none  none  own   none  none  none  none  200
GET    /v1/orders/{order_id}                     401    404   404   404   404   200   200   200   200
POST   /v1/orders/{order_id}/cancellation        401    404   404   404   404   404   404   404   200

POST   /v1/payments                              401    403   403   403   403   403   403   403   201
GET    /v1/payments/{payment_id}                 401    404   404   404   404   200   200   200   200
POST   /v1/webhooks/test                         202    -     -     -     -     -     -     -     -
POST   /v1/webhooks/test (without signature)     401    401   401   401   401   401   401   401   401

GET    /v1/tickets                               401    none  none  none  none  200   200   200   200
GET    /v1/tickets/{ticket_id}                   401    404   404   404   404   200   200   200   200
GET    /v1/tickets/{ticket_id}/qr                401    404   404   404   404   404   404   404   200
GET    /v1/ticket-documents/{order_id}           401    404   404   404   404   404   404   404   200
POST   /v1/gates                                 401    403   404   403   403   403   201   201   403
GET    /v1/gates                                 401    403   404   403   200   200   200   200   403
POST   /v1/admissions                            401    403   404   403   201   201   201   201   403
GET    /v1/admissions                            401    403   404   403   200   200   200   200   403

GET    /v1/notifications                         401    none  none  none  none  200   200   200   200

GET    /v1/reports/sales                         401    404   404   404   403   200   200   200   404
GET    /v1/reports/events/{event_id}/sales       401    403   404   403   403   200   200   200   403
GET    /v2/reports/events/{event_id}/sales       401    403   404   403   403   200   200   200   403
"""
REFUSED = ("401", "403", "404", "422")
# Asked by somebody made for it: they end sessions, which other rows need, or want one that has just begun.
ABOUT_SESSIONS = {
    "DELETE /v1/sessions/current",
    "DELETE /v1/people/me/identities/{identity_id}",
    "POST /v1/people/me/identities",
}


class Row(NamedTuple):
    """A row of the table: the route, which case of it, and the cell of each caller."""

    route: str
    case: str
    cells: dict[str, str]

    @property
    def name(self) -> str:
        """The route with its case."""
        return f"{self.route} ({self.case})" if self.case else self.route


def rows() -> list[Row]:
    """The table, read."""
    head, *lines = [line for line in TABLE.splitlines() if line.strip()]
    callers = head.split()[1:]
    found = []
    for line in lines:
        words = line.split()
        cells = words[-len(callers) :]
        method, path, *case = words[: -len(callers)]
        name = " ".join(case).removeprefix("(").removesuffix(")")
        found.append(Row(f"{method} {path}", name, dict(zip(callers, cells, strict=True))))
    return found


@pytest.fixture(scope="module")
def streets(town: Town) -> Streets:
    aurora, rival = town.tenant("Aurora Concerts"), town.tenant("Rival Concerts", roles=())
    town.plan(aurora, "Aurora")
    town.plan(rival, "Rival")
    sold = town.sell(aurora, town.person("Ada Buyer"), 6)
    other = town.sell(aurora, town.person("Otto Other"), 1)
    town.door.expect(scan_request(aurora, sold.tickets[-1], aurora.people["scanner"]), 201)
    callers: dict[str, Caller | None] = {
        "nobody": None,
        "stranger": town.person("Sam Stranger"),
        "rival": rival.people["owner"],
        "other": other.buyer,
        **aurora.people,
        "buyer": sold.buyer,
    }
    return Streets(town, aurora, rival, sold, callers, Writes(town, aurora, sold))


def check(streets: Streets, row: Row, who: str, reply: Reply) -> None:
    """Refuses (AssertionError) an answer that is not what the table says, or shows what it must not."""
    cell, shown = row.cells[who], reply.body.decode(errors="replace")
    about = f"{who} asked for {row.name}: {reply.status} {shown[:500]}"
    if cell in ("own", "none"):
        assert 200 <= reply.status < 300, about
    else:
        assert reply.status == int(cell), about
    if cell == "none":
        assert reply.json["items"] == [], about
    if cell in (*REFUSED, "own", "none"):
        leaked = [one for one in streets.secrets(who) if one in shown]
        assert leaked == [], f"{leaked} leaked when {about}"
    if who == "scanner":
        known = [one for one in streets.persons("scanner") if one in shown]
        assert known == [], f"{known} shown at the door when {about}"


def refuse(streets: Streets, chosen: Iterable[Row]) -> int:
    """Sends everything that the table refuses; nothing of it may show or change anything. Answers how many it sent."""
    refused = [(row, who) for row in chosen for who, cell in row.cells.items() if cell in REFUSED]
    targets = {
        name: streets.request(row.route, row.name) for name, row in {row.name: row for row, _ in refused}.items()
    }
    before = stored()
    for row, who in refused:
        reply = streets.town.door.send(targets[row.name].by(streets.callers[who]))
        check(streets, row, who, reply)
        assert reply.headers["content-type"] == "application/problem+json"
    assert effect(before, stored()) == {}, "something was changed by somebody who was refused"
    return len(refused)


def row_of(name: str) -> Row:
    """The row with that route and case."""
    return next(row for row in rows() if row.name == name)


def unknown_routes(streets: Streets) -> set[str]:
    """Routes the table does not know, and those it knows and that are not there."""
    there = {route_of(operation).partition(" of ")[0] for operation in streets.town.door.operations()}
    return there ^ {row.route for row in rows()}


def test_the_table_knows_every_route(streets: Streets) -> None:
    assert unknown_routes(streets) == set()


def test_whoever_is_refused_sees_nothing_and_changes_nothing(streets: Streets) -> None:
    assert refuse(streets, rows()) > 200


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_the_others_get_what_they_may(streets: Streets, row: Row) -> None:
    admitted = [who for who, cell in row.cells.items() if cell != "-" and cell not in REFUSED]
    for who in admitted:
        request = streets.request(row.route, row.name)
        asked = request if row.route in ABOUT_SESSIONS else request.by(streets.callers[who])
        check(streets, row, who, streets.town.door.send(asked))


def test_codes_are_for_the_buyer_alone(streets: Streets) -> None:
    row = row_of("GET /v1/tickets")
    for who in ("box_office", "manager", "owner"):
        seen = streets.town.door.expect(streets.request(row.route, row.name).by(streets.callers[who]), 200)["items"]
        assert len(seen) == 6
        assert {ticket["code"] for ticket in seen} == {None}


@pytest.mark.parametrize("path", ["/v1/venues", "/v1/series", "/v1/events"])
def test_a_cursor_is_of_no_use_for_anothers_list(streets: Streets, path: str) -> None:
    door, owner = streets.town.door, streets.aurora.people["owner"]
    for name in ("One More", "Yet Another"):
        door.expect(Asked("POST", "/v1/series", owner, {"organiser_id": streets.aurora.organiser_id, "name": name}))
    first = door.expect(Asked("GET", f"{path}?limit=1&organiser_id={streets.aurora.organiser_id}", owner), 200)
    rest = f"limit=1&cursor={first['next']}"
    door.expect(Asked("GET", f"{path}?{rest}&organiser_id={streets.aurora.organiser_id}", owner), 200)
    theirs = Asked("GET", f"{path}?{rest}&organiser_id={streets.rival.organiser_id}", streets.rival.people["owner"])
    refused = door.expect(theirs, 400)
    assert (refused["type"], refused["field"]) == ("urn:stagedoor:problem:bad-cursor", "cursor")


def test_anothers_key_is_no_way_to_anothers_answer(streets: Streets) -> None:
    """Who sends the Idempotency-Key of somebody else gets an answer of their own."""
    door, sold = streets.town.door, streets.sold
    requests = [
        order_request(streets.town.hold(streets.aurora, sold.buyer), sold.buyer),
        payment_request(streets.town.order(streets.town.hold(streets.aurora, sold.buyer), sold.buyer), sold.buyer),
    ]
    for request in requests:
        door.expect(request, 201)
        row = row_of(f"POST {request.path}")
        for who in ("stranger", "other", "owner"):
            check(streets, row, who, door.send(request.by(streets.callers[who])))


# The negative controls: each takes one guard away, and the walk has to notice.
def _no_check(self: Member, *others: Any) -> None:
    return


CONTROLS: list[tuple[str, str, Callable[[pytest.MonkeyPatch, Streets], None]]] = [
    (
        "roles are not asked for",
        "GET /v1/organisers/{organiser_id}/members",
        lambda patch, streets: patch.setattr(Member, "check", _no_check),
    ),
    (
        "roles are not asked for when something is changed",
        "POST /v1/series",
        lambda patch, streets: patch.setattr(Member, "check", _no_check),
    ),
    (
        "everybody is a member",
        "GET /v1/tickets/{ticket_id}",
        lambda patch, streets: patch.setattr(Identity, "is_member", lambda self, organiser_id, *roles: True),
    ),
    (
        "everybody is a member of the event's organiser",
        "PATCH /v1/events/{event_id}",
        lambda patch, streets: patch.setattr(Identity, "require_member", lambda self, organiser_id, *roles: None),
    ),
    (
        "everybody belongs to the organiser of the order",
        "GET /v1/orders/{order_id}",
        lambda patch, streets: patch.setattr(
            Identity, "organisers", lambda self, *roles: [streets.aurora.organiser_id]
        ),
    ),
    (
        "a hold's token is for everybody",
        "DELETE /v1/holds/{hold_id}",
        lambda patch, streets: patch.setattr(_holds(), "check_owner", lambda hold_id, token, person_id: None),
    ),
    (
        "the PDF is for the staff too",
        "GET /v1/ticket-documents/{order_id}",
        lambda patch, streets: patch.setattr(
            _tickets(), "ticket_document", lambda order_id, identity: streets.sold.buyer.identity.email.encode()
        ),
    ),
    (
        "private venues are shown",
        "GET /v1/venues/{venue_id} (private)",
        lambda patch, streets: patch.setattr(Identity, "is_member", lambda self, organiser_id, *roles: True),
    ),
]


def _holds() -> Any:
    from services.reservations.use_cases import holds

    return holds


def _tickets() -> Any:
    from services.tickets import use_cases

    return use_cases


@pytest.mark.parametrize(("what", "name", "take_away"), CONTROLS, ids=[control[0] for control in CONTROLS])
def test_without_a_guard_the_walk_fails(
    streets: Streets,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    name: str,
    take_away: Callable[[pytest.MonkeyPatch, Streets], None],
) -> None:
    assert refuse(streets, [row_of(name)]) > 0
    take_away(monkeypatch, streets)
    with pytest.raises(AssertionError):
        refuse(streets, [row_of(name)])


def test_a_name_shown_at_the_door_is_found(streets: Streets, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.tickets.schemas import AdmissionView

    plain = AdmissionView.of
    name = streets.sold.buyer.identity.name

    def telling(scan: Any) -> AdmissionView:
        view = plain(scan)
        return AdmissionView(
            **{field: getattr(view, field) for field in view.__struct_fields__} | {"place_label": name}
        )

    monkeypatch.setattr(AdmissionView, "of", staticmethod(telling))
    row = row_of("GET /v1/admissions")
    with pytest.raises(AssertionError, match="shown at the door"):
        check(
            streets,
            row,
            "scanner",
            streets.town.door.send(streets.request(row.route, row.name).by(streets.callers["scanner"])),
        )


def test_a_new_route_is_found(streets: Streets, monkeypatch: pytest.MonkeyPatch) -> None:
    app: Any = streets.town.door.apps["orders"]
    monkeypatch.setattr(app, "operations", [*app.operations, _renamed(app.operations[-1], "/v1/orders/all")])
    assert unknown_routes(streets) == {"POST /v1/orders/all"}


def _renamed(operation: Any, path: str) -> Any:
    from dataclasses import replace

    return replace(operation, path=path)
