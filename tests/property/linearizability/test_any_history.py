"""The checker on histories that are made up: answers of the model itself pass, and one answer changed is found."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fault.linearizability.checker import Operation, check
from tests.fault.linearizability.places import (
    SOLD,
    Free,
    Gone,
    Place,
    See,
    Sell,
    Shown,
    State,
    Step,
    Take,
    has,
    is_free,
)

PLACES: list[Place] = [("hall", block, slot) for block in (0, 1) for slot in range(4)]
HOLDS = [f"hold{number}" for number in range(40)]


class Told(NamedTuple):
    """A made-up operation: what the model answered at its moment, and what a liar would say instead."""

    moment: int
    before: int
    after: int
    truth: tuple[Step, ...]
    lie: tuple[Step, ...] | None


@st.composite
def stories(draw: st.DrawFn) -> list[Told]:
    """The model, asked one thing after the other; each moment lies inside an interval that others overlap."""
    state: State = {}
    told: list[Told] = []
    now = 100
    given_out: list[tuple[str, tuple[Place, ...]]] = []
    for number in range(draw(st.integers(2, 30))):
        now += draw(st.sampled_from([0, 0, 1, 5, 20]))
        kind = draw(st.sampled_from(["hold", "hold", "sell", "free", "show"]))
        truth: tuple[Step, ...]
        lie: tuple[Step, ...] | None = None
        if kind == "hold" or not given_out:
            places = tuple(sorted(draw(st.sets(st.sampled_from(PLACES), min_size=1, max_size=3))))
            hold = HOLDS[number]
            free = tuple(place for place in places if is_free(state, place, now))
            take = Take(hold, places, now + 10, now)
            if free == places:
                truth = (take,)
                given_out.append((hold, places))
            else:
                truth = (See(tuple(place for place in places if place not in free), free, now),)
                # The swap that matters: the one who was refused has it too.
                lie = (take,)
        else:
            hold, places = draw(st.sampled_from(given_out))
            if kind == "sell" and all(has(state, hold, place) for place in places):
                truth = (Sell(hold, places),)
            elif kind == "free" and not any(state.get(place) == (hold, SOLD) for place in places):
                truth = (Free(hold, places, unsold=True),)
            else:
                shown = Shown(hold, places, now)
                gone = Gone(hold, places, now)
                truth, lie = ((gone,), (shown,)) if shown.apply(state) is None else ((shown,), (gone,))
        after = state
        for step in truth:
            result = step.apply(after)
            assert result is not None
            after = result
        state = after
        told.append(Told(10 * number, draw(st.integers(0, 25)), draw(st.integers(0, 25)), truth, lie))
    return told


def operations(story: list[Told], *, overlapping: bool, unheard: frozenset[int] = frozenset()) -> list[Operation]:
    """The story as a history, with or without overlaps; the answers of some were never heard."""
    made = []
    for number, one in enumerate(story):
        begin, end = (one.moment - one.before, one.moment + one.after) if overlapping else (one.moment, one.moment)
        made.append(
            Operation(
                str(number),
                begin,
                None if number in unheard else end,
                one.truth[0].__class__.__name__,
                "",
                (one.truth,),
            )
        )
    return made


@settings(max_examples=120, deadline=None)
@given(story=stories(), data=st.data())
def test_what_the_model_answered_always_passes(story: list[Told], data: st.DataObject) -> None:
    unheard = data.draw(st.frozensets(st.sampled_from(range(len(story))), max_size=4))
    verdict = check(operations(story, overlapping=True, unheard=unheard))
    assert verdict.outcome == "linearizable"


@settings(max_examples=120, deadline=None)
@given(story=stories(), data=st.data())
def test_a_lie_is_found_wherever_order_is_known(story: list[Told], data: st.DataObject) -> None:
    history = operations(story, overlapping=False)
    liars = [number for number, one in enumerate(story) if one.lie is not None]
    if liars:
        number = data.draw(st.sampled_from(liars))
        lie = story[number].lie
        assert lie is not None
        history[number] = replace(history[number], paths=(lie,))
        assert check(history).outcome == "violated"


@settings(max_examples=60, deadline=None)
@given(story=stories(), data=st.data())
def test_a_second_success_is_found_among_overlaps(story: list[Told], data: st.DataObject) -> None:
    """Whoever holds a place, another one cannot have been given it in the same seconds, whatever the order."""
    takes = [number for number, one in enumerate(story) if isinstance(one.truth[0], Take)]
    history = operations(story, overlapping=True)
    number = data.draw(st.sampled_from(takes))
    take = story[number].truth[0]
    assert isinstance(take, Take)
    freed = any(isinstance(one.truth[0], Free) and one.truth[0].hold == take.hold for one in story)
    again = replace(take, hold="thief")
    original = history[number]
    history.append(replace(original, name="thief", paths=((again,),)))
    # Between two takes of the same second only a release could make room.
    assert (check(history).outcome == "violated") or freed
