"""The two writes of an order, driven bare: what DynamoDB Local could do if nothing stood before it.

The requests are the product's own. They are recorded once as they leave the data layer, and then sent again and again
with other ids, blocks and slots: `raw` by a client that signs nothing, retries nothing and reads no more than the
status, or by clients that do what any client of DynamoDB has to (bench.clients).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import msgspec

from bench.clients import Write
from bench.connection import Connection, post
from bench.crowd import DONE, Job
from bench.sale import OnSale, hold_body, people
from bench.world import World, room
from contracts.hold import HoldToken
from shared import clock
from shared.auth import verify_token
from shared.data import transport
from shared.ids import new_id, raw_bytes, same_body

_PLACES_A_BLOCK: Final = 25
# Buyers are spread over so many blocks, as the product spreads them.
_BLOCKS_AT_ONCE: Final = 50
# DynamoDB Local looks for the shape of a signature and does not check it.
_HEADERS: Final = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20260101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" + "0" * 64,
}


class NotRecorded(Exception):
    """The product did not send the one write that was expected of it."""


class BareWrites:
    """Recorded writes for one event, with a pool of blocks nobody else writes to."""

    def __init__(self, world: World, event: OnSale, places: int) -> None:
        self._world = world
        self._places = places
        self._pool_id = new_id("pol")
        self._next = 0
        (self._buyer,) = people(1)
        self._hold_id = new_id("hld")
        self._holds = self._recorded_holds()
        self._order = self._recorded_order(event)

    def jobs(self, number: int) -> list[Job]:
        """So many orders, each for places nobody has: both requests are ready before anybody is timed."""
        return [self._job(hold, order) for hold, order in self._bodies(number)]

    def orders(self, number: int) -> list[list[Write]]:
        """As `jobs`, for clients that sign and encode the requests themselves."""
        return [
            [("UpdateItem", msgspec.json.decode(hold)), ("PutItem", msgspec.json.decode(order))]
            for hold, order in self._bodies(number)
        ]

    def _bodies(self, number: int) -> Iterator[tuple[bytes, bytes]]:
        first, self._next = self._next, self._next + number
        for index in range(first, first + number):
            yield self._pair(index)

    def _pair(self, index: int) -> tuple[bytes, bytes]:
        hold_id, person_id = new_id("hld"), new_id("per")
        round_number, in_round = divmod(index, _BLOCKS_AT_ONCE * len(self._holds))
        stretch, lane = divmod(in_round, _BLOCKS_AT_ONCE)
        block = round_number * _BLOCKS_AT_ONCE + lane + 1
        hold = _exchange(self._holds[stretch], f"#{self._pool_id}#0", f"#{self._pool_id}#{block}")
        hold = _exchange(hold, _text(self._hold_id), _text(hold_id))
        order = _exchange(self._order, same_body("ord", self._hold_id), same_body("ord", hold_id))
        return hold, _exchange(order, self._buyer.person_id, person_id)

    def _job(self, hold: bytes, order: bytes) -> Job:
        requests = (self._request("UpdateItem", hold), self._request("PutItem", order))

        def job(connection: Connection) -> str:
            for request in requests:
                status, body = connection.ask(request)
                if status != 200:
                    return f"{status} {body[:200]!r}"
            return DONE

        return job

    def _request(self, operation: str, body: bytes) -> bytes:
        headers = {**_HEADERS, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        return post(self._world.database_port, "/", headers, body)

    def _recorded_holds(self) -> list[bytes]:
        """The write that holds the first places of a block, the one for the next places, and so on to its end."""
        blocks = room("reservations", "repository")
        now = clock.now()
        until = int((now + timedelta(seconds=1800)).timestamp())
        made = []
        for first in range(0, _PLACES_A_BLOCK - self._places + 1, self._places):
            wanted = {(self._pool_id, 0): list(range(first, first + self._places))}
            with _recording() as sent:
                blocks.take(self._hold_id, wanted, until, now=now)
            made.append(_only(sent, "UpdateItem"))
        return made

    def _recorded_order(self, event: OnSale) -> bytes:
        """The write that puts an order; the hold it is for is placed on the way, and only its id is exchanged."""
        reservations = room("reservations", "use_cases")
        request = msgspec.convert(hold_body(event, self._places), room("reservations", "schemas").PlaceHold)
        now = clock.now()
        placed = reservations.place_hold(request, self._buyer.person_id, None, now)
        hold = verify_token(placed.hold_token, reservations.AUDIENCE, HoldToken, now=now)
        self_named = msgspec.structs.replace(hold, hold_id=self._hold_id)
        with _recording() as sent:
            room("orders", "use_cases").place_order(self_named, self._buyer, now)
        return _only(sent, "PutItem")


@contextmanager
def _recording() -> Iterator[list[tuple[str, bytes]]]:
    """Notes every request that passes the data layer's one seam, which then goes on as usual."""
    sent: list[tuple[str, bytes]] = []
    carry = transport.carry

    def noting(operation: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        sent.append((operation, msgspec.json.encode(request)))
        return carry(operation, request, seconds)

    transport.carry = noting
    try:
        yield sent
    finally:
        transport.carry = carry


def _only(sent: list[tuple[str, bytes]], operation: str) -> bytes:
    if [name for name, _ in sent] != [operation]:
        raise NotRecorded(f"one {operation} was expected, and there was {[name for name, _ in sent]}")
    return sent[0][1]


def _exchange(request: bytes, old: str, new: str) -> bytes:
    if old.encode() not in request:
        raise NotRecorded(f"{old} is not in the recorded request: {request[:500]!r}")
    return request.replace(old.encode(), new.encode())


def _text(hold_id: str) -> str:
    """A hold's id as it travels inside a block."""
    return base64.b64encode(raw_bytes(hold_id)).decode()
