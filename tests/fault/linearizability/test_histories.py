"""Holds, confirmations, releases and refunds from several processes at once: some order explains every answer.

The seed in a failure repeats what each process asks for; how the processes met is in the table that is printed.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from contracts.catalog import EventPublished
from services.reservations import use_cases
from services.reservations.repository import caching, look_at
from shared.ids import from_raw_bytes, new_id
from tests.fault.linearizability.buyers import Plan, run
from tests.fault.linearizability.checker import Operation, Verdict, check, explain
from tests.fault.linearizability.history import read
from tests.fault.linearizability.places import Look, Place, Step
from tests.integration.reservations.box_office import OPENING, event, general_pool, rows, seated_pool, ticket_type
from tests.property.reservations.wiretap import FOR_EVER

PROCESSES, OPERATIONS, HOLD_SECONDS = 4, 50, 15
HISTORIES_MAX = 3


def on_sale(kind: str) -> EventPublished:
    """Two blocks: two sections of six seats, or thirty places to stand."""
    if kind == "standing":
        pool = general_pool(30)
        types = [ticket_type(pool)]
    else:
        pool = seated_pool([*rows("Left", "A", 6), *rows("Right", "A", 6)])
        types = [ticket_type(pool, zone="A")]
    published = event([pool], types, hold_seconds=HOLD_SECONDS)
    use_cases.put_on_sale(published, OPENING)
    return published


def last_look(published: EventPublished, at: int) -> list[Operation]:
    """What the table says when all is over, as operations that come after all others that were answered."""
    (pool,) = published.pools
    sizes = {0: 25, 1: 5} if pool.kind == "general" else {0: 6, 1: 6}
    looks: list[Operation] = []
    for (pool_id, block), slots in look_at((pool.pool_id, block) for block in sizes).items():
        for slot in range(sizes[block]):
            place: Place = (pool_id, block, slot)
            taken = slots.get(slot)
            owner = from_raw_bytes("hld", taken.hold) if taken else None
            step: Step = Look(place, owner, taken is not None and taken.until == FOR_EVER)
            # One after the other: looks at the same moment could come in any order, which is a great many.
            at += 1
            looks.append(Operation("look", at, at, f"look {block}/{slot}", str(owner)[-4:], ((step,),)))
    return looks


def record(folder: Path, kind: str, seed: str, *, redis: bool = True, control: bool = False) -> list[Operation]:
    """The history of one run of all processes, and a look at the end."""
    published = on_sale(kind)
    url = caching.cache()._url if redis else None
    plan = Plan(published, str(folder), url, new_id("msg"), seed, 0, OPERATIONS)
    plan = plan._replace(mishaps=not control, guarded=not control)
    skews = (0, 300, -300, 1000)
    plans = [plan._replace(process=n, skew_milliseconds=skews[n]) for n in range(PROCESSES)]
    if plan.mishaps:
        plans[1:3] = [plans[1]._replace(dies_at=8), plans[2]._replace(dies_at=16)]
    ended = run(plans)
    stopped = sorted(code for code in ended if code != 0)
    if control:
        # Without the guard a process may stop at what it then sees; two at least have to go on to the end.
        assert stopped in ([], [1], [1, 1])
    else:
        assert stopped == ([-9, -9] if plan.mishaps else [])
    history = read(folder)
    return history + last_look(published, max(one.end or one.begin for one in history))


def report(verdict: Verdict, seed: str) -> str:
    return f"seed {seed!r}: {explain(verdict)}"


def answers(history: list[Operation]) -> set[str]:
    """What was heard, by the first word, with the kind of request."""
    return {f"{one.asked.split()[0]} {one.answered.split()[0]}" for one in history}


@pytest.mark.parametrize(("kind", "redis"), [("seats", True), ("standing", True), ("standing", False)])
def test_every_history_has_an_order(tmp_path: Path, kind: str, redis: bool) -> None:
    missing: list[str] = []
    for number in range(HISTORIES_MAX):
        seed = str(random.SystemRandom().getrandbits(32))
        folder = tmp_path / str(number)
        folder.mkdir()
        history = record(folder, kind, seed, redis=redis)
        verdict = check(history)
        assert verdict.outcome == "linearizable", report(verdict, seed)
        missing = missing_interest(history)
        if not missing:
            return
    # Histories in which nothing of interest happened would prove nothing.
    raise AssertionError(f"in none of {HISTORIES_MAX} histories was there all of interest: {missing}")


def missing_interest(history: list[Operation]) -> list[str]:
    """What a history has to have and has not. How the processes meet is the machine's affair, and it may be busy."""
    wanted = {"hold held", "confirm confirmed", "release released"} - answers(history)
    missing = sorted(wanted)
    if sum(one.end is None for one in history) < 2:
        missing.append("two processes that were killed at work")
    if not any(overlaps(one, other) for one, other in itertools.combinations(history, 2)):
        missing.append("two operations about one place at the same time")
    return missing


def overlaps(one: Operation, other: Operation) -> bool:
    """Whether the other began while the one went on, about the same places."""
    return one.end is not None and other.begin < one.end and not one.touches().isdisjoint(other.touches())


def test_control_without_the_condition_the_checker_finds_the_double_sale(tmp_path: Path) -> None:
    seed = str(random.SystemRandom().getrandbits(32))
    history = record(tmp_path, "seats", seed, control=True)
    verdict = check(history)
    assert verdict.outcome == "violated", report(verdict, seed)
    # The table names the hold that fits nowhere, or the one whose places were taken from under it.
    assert any(one.asked.split()[0] in ("hold", "confirm", "release", "show") for one in verdict.stuck)
    assert ">" in explain(verdict)
