"""A small app with one route of every kind, and clients that are signed in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from chalice.app import AuthRequest, AuthResponse

from shared import clock
from shared.auth import Identity, authorize_access_token, issue_access_token, public_jwks
from shared.data import errors as data_errors
from shared.http import (
    BY_HANDLER,
    PUBLIC,
    Answer,
    App,
    Call,
    Conflict,
    PageQuery,
    PathParameters,
    PreconditionFailed,
    QueryParameters,
    RequestBody,
    TooMany,
    member,
    page_answer,
)

SIGNING = {"test": "a secret of these tests"}
ANNA = Identity("per_anna", "anna@example.com", "Anna", "ses_1", {"org_1": "owner", "org_2": "scanner"})
SignIn = Callable[[Identity], dict[str, str]]


class SoldOut(Exception):
    """A refusal of the domain, with what it has to say."""

    def __init__(self) -> None:
        super().__init__("Nothing is left of the balcony.")
        self.field = "$.lines[0].ticket_type_id"
        self.retry_after = 7
        self.extra = {"left": 0}


class SoldOutForever(SoldOut):
    """A special case of it."""


class Line(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10)]
    label: str | None = None


class PlaceOrder(RequestBody, frozen=True):
    lines: Annotated[list[Line], msgspec.Meta(min_length=1, max_length=50)]
    at: datetime | None = None
    notes: dict[str, Any] | None = None
    organiser_id: str | None = None


class ListOrders(PageQuery, frozen=True):
    state: list[str] = msgspec.field(default_factory=list)
    paid: bool | None = None
    organiser_id: str | None = None


class Numbered(PathParameters, frozen=True):
    number: int


class NoQuery(QueryParameters, frozen=True):
    pass


class Rows:
    """A page as shared.data gives it."""

    def __init__(self, items: list[int], following: str | None) -> None:
        self.items = items
        self.next = following


def build() -> App:
    app = App("sample", problems={SoldOut: (409, "sold-out", "Sold out")})

    @app.authorizer(name="authorize", ttl_seconds=60)
    def authorize(request: AuthRequest) -> AuthResponse:
        return authorize_access_token(request)

    @app.route("/v1/orders", methods=["POST"], body=PlaceOrder, status=201, errors=(SoldOut,))
    def place_order(call: Call) -> dict[str, Any]:
        """Places an order."""
        return {"person_id": call.person.person_id, "quantity": sum(line.quantity for line in call.body.lines)}

    @app.route("/v1/orders", query=ListOrders, access=PUBLIC, cache="public, max-age=30")
    def list_orders(call: Call) -> Answer:
        rows = Rows([1, 2], "cursor+2") if call.query.cursor is None else Rows([3], None)
        return page_answer(rows, lambda row: {"number": row, "state": call.query.state}, "/v1/orders", call.query)

    @app.route("/v1/orders/{number}", methods=["PATCH"], access=PUBLIC, parameters=Numbered, body=PlaceOrder)
    def change_order(call: Call) -> Answer:
        expected = call.expected_version()
        if expected not in (None, 7):
            raise PreconditionFailed()
        return Answer({"number": call.parameters.number}, etag=8)

    @app.route("/v1/orders/{number}", access=PUBLIC)
    def get_order(call: Call) -> Answer:
        return Answer({"number": call.path["number"]}, etag=7)

    @app.route("/v1/orders/{number}", methods=["DELETE"], status=204)
    def delete_order(call: Call) -> None:
        return None

    @app.route("/v1/plain/{name}", access=PUBLIC, query=NoQuery)
    def plain(call: Call) -> dict[str, Any]:
        return {"name": call.path["name"], "at": datetime(2026, 5, 1, 19, 30, tzinfo=UTC), "ip": call.source_ip}

    @app.route("/v1/organisers/{organiser_id}/things", access=member("owner", "manager"))
    def things(call: Call) -> list[int]:
        return []

    @app.route("/v1/owned", methods=["POST"], access=member("owner"), body=PlaceOrder)
    def owned(call: Call) -> dict[str, bool]:
        return {"ok": True}

    @app.route("/v1/keyed", methods=["POST"], access=PUBLIC, idempotency=BY_HANDLER)
    def keyed(call: Call) -> dict[str, Any]:
        return {"key": call.idempotency_key}

    raw_routes(app)
    return app


def raw_routes(app: App) -> None:
    @app.route("/v1/document", access=PUBLIC, media_types=("application/pdf",))
    def document(call: Call) -> Answer:
        return Answer(b"%PDF-1.7\xff\x00", headers={"Content-Type": "application/pdf"})

    @app.route("/v1/table", access=PUBLIC, deprecated="@1767225600", sunset="Fri, 01 Jan 2027 00:00:00 GMT")
    def table(call: Call) -> Answer:
        return Answer("a,b\n1,2\n", headers={"Content-Type": "text/csv; charset=utf-8"})

    @app.route("/v1/raw", methods=["POST"], access=PUBLIC, body_bytes_max=10)
    def raw(call: Call) -> dict[str, int]:
        return {"bytes": len(call.raw_body)}

    failures: dict[str, Callable[[], Exception]] = {
        "sold-out": SoldOut,
        "special": SoldOutForever,
        "unexpected": lambda: RuntimeError("the password is swordfish"),
        "conflict": lambda: Conflict("Not now.", slug="busy", holder="somebody"),
        "too-many": lambda: TooMany(retry_after=3),
        "throttled": lambda: data_errors.Throttled("slow down"),
        "rejected": lambda: data_errors.Rejected("ValidationException", "table secrets"),
        "cursor": lambda: data_errors.BadCursor("no"),
        "stale": lambda: data_errors.StaleVersion(None),
        "unencodable": lambda: Conflict("Odd.", odd=object()),
    }

    @app.route("/v1/failures/{kind}", access=PUBLIC)
    def fail(call: Call) -> None:
        raise failures[call.path["kind"]]()

    @app.route("/v1/unencodable", access=PUBLIC)
    def unencodable(call: Call) -> Any:
        return {"odd": object()}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    """What pytest-chalice's `client` talks to."""
    monkeypatch.setenv("ACCESS_TOKEN_JWKS", json.dumps(public_jwks(SIGNING)))
    return build()


@pytest.fixture
def sign_in() -> SignIn:
    """Headers of somebody who is signed in."""

    def headers(identity: Identity) -> dict[str, str]:
        token = issue_access_token(identity, now=clock.now(), secrets=SIGNING).token
        return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    return headers


@pytest.fixture
def anna(sign_in: SignIn) -> dict[str, str]:
    """Headers of an owner of org_1 who scans at org_2."""
    return sign_in(ANNA)
