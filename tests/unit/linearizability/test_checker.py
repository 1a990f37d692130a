"""The checker itself, on small histories of which everybody can say whether an order explains them."""

from __future__ import annotations

import pytest

from tests.fault.linearizability.checker import Operation, check, explain, parts_of
from tests.fault.linearizability.places import (
    REFUSED,
    Free,
    Gone,
    Look,
    Lost,
    Move,
    Pin,
    See,
    Sell,
    Shown,
    SomeSold,
    Step,
    Take,
    confirmed,
)

A, B, C = ("hall", 0, 0), ("hall", 0, 1), ("hall", 1, 0)
NOW, UNTIL = 100, 110


def op(name: str, begin: int, end: int | None, *steps: Step) -> Operation:
    return Operation(name, begin, end, type(steps[0]).__name__, "", (steps,))


def outcome(*operations: Operation) -> str:
    return check(operations).outcome


def test_one_after_the_other() -> None:
    assert outcome(op("1", 0, 1, Take("x", (A,), UNTIL, NOW)), op("2", 2, 3, Sell("x", (A,)))) == "linearizable"
    assert outcome() == "linearizable"


def test_a_double_sale_is_found_even_when_both_overlap() -> None:
    first, second = op("1", 0, 9, Take("x", (A,), UNTIL, NOW)), op("2", 1, 8, Take("y", (A, B), UNTIL, NOW))
    assert outcome(first, second) == "violated"
    assert outcome(first, op("2", 1, 8, Take("y", (B,), UNTIL, NOW))) == "linearizable"


def test_a_sale_of_what_somebody_took_over_is_found() -> None:
    history = [
        op("1", 0, 1, Take("x", (A,), UNTIL, NOW)),
        op("2", 2, 3, Take("y", (A,), UNTIL + 20, UNTIL + 1)),
        op("3", 4, 5, Sell("x", (A,))),
    ]
    assert outcome(*history) == "violated"
    # Overlapping, the sale may have come first, but then nothing was left to take over.
    assert outcome(history[0], op("2", 2, 6, *history[1].paths[0]), history[2]) == "violated"
    assert outcome(history[0], op("3", 2, 3, Sell("x", (A,)))) == "linearizable"


def test_a_place_is_taken_over_after_its_time_and_not_in_its_last_second() -> None:
    first = op("1", 0, 1, Take("x", (A,), UNTIL, NOW))
    assert outcome(first, op("2", 2, 3, Take("y", (A,), UNTIL + 10, UNTIL))) == "violated"
    assert outcome(first, op("2", 2, 3, Take("y", (A,), UNTIL + 10, UNTIL + 1))) == "linearizable"


def test_a_stale_read_is_found() -> None:
    taken, freed = op("1", 0, 1, Take("x", (A,), UNTIL, NOW)), op("2", 2, 3, Free("x", (A,)))
    stale = op("3", 4, 5, Shown("x", (A,), NOW))
    assert outcome(taken, freed, stale) == "violated"
    assert outcome(taken, freed, op("3", 2, 5, *stale.paths[0])) == "linearizable"
    assert outcome(taken, freed, op("3", 4, 5, Gone("x", (A,), NOW))) == "linearizable"
    assert outcome(taken, op("3", 4, 5, Gone("x", (A,), NOW))) == "violated"


def test_a_lost_release_is_found() -> None:
    history = [
        op("1", 0, 1, Take("x", (A,), UNTIL, NOW)),
        op("2", 2, 3, Free("x", (A,))),
        op("3", 4, 5, See(taken=(A,), free=(), now=NOW)),
    ]
    assert outcome(*history) == "violated"
    assert outcome(history[0], history[2]) == "linearizable"


def test_a_release_that_took_a_sold_place_is_found() -> None:
    history = [
        op("1", 0, 1, Take("x", (A, B), UNTIL, NOW)),
        op("2", 2, 3, Sell("x", (A, B))),
        op("3", 4, 5, Free("x", (A,), unsold=True)),
    ]
    assert outcome(*history) == "violated"
    assert outcome(*history[:2], op("3", 4, 5, SomeSold("x", (A,)), Free("x", (A,)))) == "linearizable"
    assert outcome(*history[:2], op("3", 4, 5, Free("x", (A,))), op("4", 6, 7, Look(A, "x", True))) == "linearizable"
    assert outcome(*history[:2], op("3", 4, 5, Free("x", (A,))), op("4", 6, 7, Look(A, None))) == "violated"


def test_time_does_not_run_backwards() -> None:
    # The second ended before the first began, so it cannot have come after it.
    assert outcome(op("1", 5, 6, Take("x", (A,), UNTIL, NOW)), op("2", 0, 1, Sell("x", (A,)))) == "violated"
    assert outcome(op("1", 5, 6, Take("x", (A,), UNTIL, NOW)), op("2", 0, 5, Sell("x", (A,)))) == "linearizable"


def test_what_nobody_heard_may_have_happened_later_in_part_or_never() -> None:
    unheard = op("1", 0, None, Take("x", (A,), UNTIL, NOW))
    free, taken = Look(A, None), Look(A, "x")
    assert outcome(unheard, op("2", 5, 6, free)) == "linearizable"
    assert outcome(unheard, op("2", 5, 6, free), op("3", 7, 8, taken)) == "linearizable"
    assert outcome(unheard, op("2", 5, 6, taken), op("3", 7, 8, free)) == "violated"
    assert outcome(op("2", 0, 1, taken), op("1", 2, None, Take("x", (A,), UNTIL, NOW))) == "violated"
    assert outcome(unheard) == "linearizable"
    half = op("1", 2, None, Free("x", (A,)), Free("x", (C,)))
    held = op("0", 0, 1, Take("x", (A, C), UNTIL, NOW))
    assert outcome(held, half, op("2", 5, 6, free), op("3", 7, 8, Look(C, "x"))) == "linearizable"
    # Its steps keep their order.
    assert outcome(held, half, op("2", 5, 6, Look(C, None)), op("3", 7, 8, taken)) == "violated"


def test_one_way_of_several_will_do() -> None:
    either = Operation("1", 0, 1, "", "", ((Sell("x", (A,)),), (Lost("x", (A,)), Pin("x", (A,), REFUSED))))
    assert check([either]).outcome == "linearizable"
    sold = op("2", 2, 3, Look(A, "x", True))
    assert check([either, sold]).outcome == "violated"
    assert check([op("0", -2, -1, Take("x", (A,), UNTIL, NOW)), either, sold]).outcome == "linearizable"


def test_an_answer_once_pinned_is_the_answer() -> None:
    refused = op("1", 0, 1, Lost("x", (A,)), Pin("x", (A,), REFUSED))
    assert outcome(refused, op("2", 2, 3, Lost("x", (A,)), Move("x", (B,), NOW))) == "violated"
    moved = op("1", 0, 1, Lost("x", (A,)), Move("x", (B,), NOW))
    again = op("2", 2, 3, Lost("x", (A,)), Pin("x", (B,), confirmed([B]), first=False))
    assert outcome(moved, again) == "linearizable"
    assert outcome(moved, op("2", 2, 3, Pin("x", (B,), REFUSED))) == "violated"
    assert outcome(again) == "violated"
    assert outcome(moved, op("2", 2, 3, Take("y", (B,), UNTIL, NOW + 1000))) == "violated"


def test_a_refund_brings_places_back_once() -> None:
    history = [
        op("1", 0, 1, Take("x", (A,), UNTIL, NOW)),
        op("2", 2, 3, Sell("x", (A,))),
        op("3", 4, 5, Pin("x", (A,), confirmed([A])), Free("x", (A,), sold_too=True)),
        op("4", 6, 7, Take("y", (A,), UNTIL, NOW)),
    ]
    assert outcome(*history) == "linearizable"
    assert outcome(*history[:2], history[3]) == "violated"
    assert outcome(*history, op("5", 8, 9, Sell("x", (A,)))) == "violated"


def test_parts_share_no_place() -> None:
    one, two = op("1", 0, 1, Take("x", (A,), UNTIL, NOW)), op("2", 0, 1, Take("y", (B,), UNTIL, NOW))
    both = op("3", 2, 3, See((A, B), (), NOW))
    says_nothing = Operation("4", 0, 1, "hold", "Busy", ((),))
    assert sorted(len(part) for part in parts_of([one, two, says_nothing])) == [1, 1]
    assert [len(part) for part in parts_of([one, two, both])] == [3]
    assert outcome(one, two, both, says_nothing) == "linearizable"


def test_it_gives_up_aloud() -> None:
    # Twelve at once that could come in any order, and one that never fits.
    crowd = [op(str(n), 0, 99, Take(str(n), (("hall", 2, n),), UNTIL, NOW)) for n in range(12)]
    every = tuple(("hall", 2, n) for n in range(12))
    never = op("never", 0, 99, See(every[:1], every[:1], NOW))
    joined = op("joined", 200, 201, See(every, (), NOW))
    verdict = check([*crowd, never, joined], visits_max=500)
    assert verdict.outcome == "gave up"
    assert verdict.visits == 501
    assert explain(verdict).startswith("gave up after 501 configurations")
    assert check([*crowd, never, joined]).outcome == "violated"


@pytest.mark.parametrize("size", [2, 5])
def test_the_table_shows_who_fits_nowhere(size: int) -> None:
    history = [op("0", 0, 1_000_000, Take("x", (A,), UNTIL, NOW))]
    history += [op(str(n), n * 2_000_000, n * 2_000_000 + 10, Shown("x", (A,), NOW)) for n in range(1, size)]
    history += [op("bad", 90_000_000, 91_500_000, Take("y", (A,), UNTIL, NOW))]
    table = explain(check(history)).splitlines()
    assert table[0].startswith("violated")
    assert len(table) == 3 + len(history)
    assert [line for line in table if line.startswith(">")] == [table[-2]]
    assert "bad" in table[-2]
    assert "90.00     91.50" in table[-2]
    assert table[-1] == "before them: 0/0 ('x', 110)"
