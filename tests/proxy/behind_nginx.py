"""Answers behind a caching proxy that goes by their headers alone: `make proxy-test`, where there is an nginx."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.proxy.origin import Origin, kept, listening, nginx_before
from tests.saga.front_door import Asked, Caller, route_of
from tests.saga.streets import Streets
from tests.saga.tenants import Town
from tests.saga.writes import Writes

READERS, LOOKS = 20, 250
FROM_CACHE = ("HIT", "STALE", "UPDATING", "REVALIDATED")


class Edge(NamedTuple):
    """nginx before the services: its address, where it stores, and the origin behind it."""

    address: str
    folder: Path
    origin: Origin


@pytest.fixture(scope="module")
def streets(town: Town) -> Streets:
    """Aurora with a buyer, and people who have nothing to do with them."""
    aurora, rival = town.tenant("Aurora Concerts"), town.tenant("Rival Concerts", roles=())
    town.plan(aurora, "Aurora")
    town.plan(rival, "Rival")
    sold = town.sell(aurora, town.person("Ada Buyer"), 6)
    callers: dict[str, Caller | None] = {
        "nobody": None,
        "stranger": town.person("Sid Stranger"),
        "rival": rival.people["owner"],
        "owner": aurora.people["owner"],
        "buyer": sold.buyer,
    }
    return Streets(town, aurora, rival, sold, callers, Writes(town, aurora, sold))


@pytest.fixture
def edge(town: Town, tmp_path: Path) -> Iterator[Edge]:
    """nginx with nothing in its cache."""
    with listening(town.door) as origin, nginx_before(origin, tmp_path) as address:
        yield Edge(address, tmp_path, origin)


def headers_of(asked: Asked, caller: Caller | None) -> dict[str, str]:
    """The headers a client sends."""
    headers = dict(asked.headers)
    if caller is not None:
        headers["Authorization"] = f"Bearer {caller.token}"
    return headers


def walk(edge: Edge, streets: Streets) -> int:
    """Everybody reads everything twice, those first who may see the most; nothing private may be kept or handed on."""
    order = ("owner", "buyer", "rival", "stranger", "nobody")
    cases = [
        (route, name)
        for operation in streets.town.door.operations()
        if operation.method == "GET" and operation.path != "/health"
        for route in [route_of(operation)]
        for name in [route, *(one for one in streets._special() if one.startswith(f"{route} ("))]
    ]
    cases.append(("GET /v1/events", "GET /v1/events (Aurora's)"))
    asked = 0
    with httpx.Client(base_url=edge.address) as client:
        for route, name in cases:
            for who in order:
                request = streets.request(route, name)
                direct = streets.town.door.send(request.by(streets.callers[who]))
                for _ in range(2):
                    answer = client.get(request.path, headers=headers_of(request, streets.callers[who]))
                    assert answer.status_code == direct.status, f"{name} by {who}: {answer.headers.get('x-cache')}"
                    if "public" not in direct.headers["cache-control"]:
                        assert answer.headers["x-cache"] not in FROM_CACHE, f"{name} by {who} came from the cache"
                    asked += 1
    secrets = {text for who in order for text in streets.secrets(who)} - {None}
    for path, raw in kept(edge.folder).items():
        assert b"Cache-Control: public" in raw, f"{path} is stored and is not for everybody"
        for text in secrets:
            assert text.encode() not in raw, f"{path} is stored with {text}"
    return asked


def test_nothing_private_is_ever_stored(edge: Edge, streets: Streets) -> None:
    asked = walk(edge, streets)
    stored = kept(edge.folder)
    assert asked > 200
    assert len(stored) >= 5, "nothing is stored at all"
    print(f"{asked} requests, {len(stored)} answers stored")


def test_were_a_private_answer_called_public_it_would_be_noticed(
    edge: Edge, streets: Streets, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.catalog import app as catalog

    monkeypatch.setattr(catalog, "FOR_ONE", catalog.FOR_EVERYBODY)
    with pytest.raises(AssertionError, match=r"is stored with|by (buyer|rival|stranger|nobody)"):
        walk(edge, streets)


def browse(edge: Edge, paths: list[str], seed: int, counts: Counter[str], fault: list[str]) -> None:
    """One reader: lists and events, in the coding of a browser of its kind."""
    chance = random.Random(seed)
    coding = chance.choice(["br, gzip", "br, gzip", "gzip", "identity"])
    with httpx.Client(base_url=edge.address, headers={"Accept-Encoding": coding}, timeout=30) as client:
        for _ in range(LOOKS):
            answer = client.get(chance.choice(paths))
            counts[answer.headers.get("x-cache", "none")] += 1
            wanted = coding.partition(",")[0].replace("identity", "")
            if answer.status_code != 200 or answer.headers.get("content-encoding", "") not in (wanted, ""):
                fault.append(f"{answer.url}: {answer.status_code} {dict(answer.headers)}")
            answer.json()


def test_a_crowd_that_browses_is_served_by_the_cache(edge: Edge, streets: Streets) -> None:
    event_ids = [streets.aurora.ids["event_id"], streets.rival.ids["event_id"]]
    paths = [f"/v1/events/{event_id}" for event_id in event_ids]
    paths += ["/v1/events", "/v1/events?limit=5", f"/v1/events/{event_ids[0]}?expand=venue", "/v1/ticket-keys"]
    paths += [f"{path}?fields=name,starts_at,venue.name" for path in paths[:2]]
    counts: Counter[str] = Counter()
    faults: list[str] = []
    before = edge.origin.requests
    threads = [threading.Thread(target=browse, args=(edge, paths, number, counts, faults)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    total = sum(counts.values())
    assert total == READERS * LOOKS
    ratio = sum(counts[one] for one in FROM_CACHE) / total
    reached = edge.origin.requests - before
    print(f"{total} requests, {reached} reached the origin, hit ratio {ratio:.2%}, {dict(counts)}")
    assert ratio > 0.95
    assert reached < total * 0.05


def test_a_compressed_answer_is_not_for_who_cannot_read_it(edge: Edge, streets: Streets) -> None:
    path = f"/v1/events/{streets.aurora.ids['event_id']}?expand=venue"
    bodies: dict[str, Any] = {}
    for coding in ("br", "gzip", "identity", "br", "gzip", "identity"):
        answer = httpx.get(edge.address + path, headers={"Accept-Encoding": coding})
        assert answer.headers.get("content-encoding", "identity") in (coding, "identity")
        bodies[coding] = (answer.json(), answer.headers["x-cache"])
    assert {state for _, state in bodies.values()} == {"HIT"}
    assert len({str(body) for body, _ in bodies.values()}) == 1
