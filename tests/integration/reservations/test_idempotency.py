"""A hold sent again with its Idempotency-Key."""

from __future__ import annotations

import threading
from datetime import timedelta

import msgspec
import pytest

from services.reservations import repository, use_cases
from services.reservations.domain import refusals
from services.reservations.repository import caching, hints
from services.reservations.schemas import HoldView, LineAsked
from tests.integration.reservations.box_office import OPENING, basket, hold, on_sale, where


def test_a_repetition_is_answered_as_the_first_time() -> None:
    published, kind = on_sale(10)
    request = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=2))
    first = use_cases.place_hold(request, "per_me", "key", OPENING)
    again = use_cases.place_hold(request, "per_me", "key", OPENING + timedelta(seconds=30))
    assert again == first
    assert len(where(hold(published, kind, 8))) == 8


def test_a_repetition_is_answered_also_when_everything_is_gone() -> None:
    published, kind = on_sale(2)
    request = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=2))
    first = use_cases.place_hold(request, "per_me", "key", OPENING)
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)
    assert use_cases.place_hold(request, "per_me", "key", OPENING) == first


def test_a_key_is_for_one_person_and_one_request() -> None:
    published, kind = on_sale(10)
    request = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=2))
    other = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=3))
    first = use_cases.place_hold(request, "per_me", "key", OPENING)
    with pytest.raises(refusals.KeyOfAnotherRequest):
        use_cases.place_hold(other, "per_me", "key", OPENING)
    assert not where(use_cases.place_hold(request, "per_you", "key", OPENING)) & where(first)


def test_a_refused_request_may_be_repeated_and_succeed() -> None:
    published, kind = on_sale(2)
    request = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=2))
    hold(published, kind, 2)
    with pytest.raises(refusals.AllHeld):
        use_cases.place_hold(request, "per_me", "key", OPENING)
    late = OPENING + timedelta(seconds=601)
    assert len(where(use_cases.place_hold(request, "per_me", "key", late))) == 2


def test_while_the_first_is_being_answered_a_repetition_is_told_to_wait() -> None:
    published, kind = on_sale(10)
    known = repository.sale_of(published.event_id, OPENING)
    request = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=2))
    record = hints.key_of("per_me", "key", msgspec.json.encode(request))
    assert isinstance(hints.ask(known, {}, OPENING, key=record), hints.Picked)
    with pytest.raises(refusals.SameRequestInFlight) as refused:
        use_cases.place_hold(request, "per_me", "key", OPENING)
    assert refused.value.retry_after == 1
    hints.give_up(known, record, OPENING)
    assert len(where(use_cases.place_hold(request, "per_me", "key", OPENING))) == 2


def test_of_sixteen_at_once_one_holds_and_the_others_hear_the_same_or_are_told_to_wait() -> None:
    published, kind = on_sale(100)
    request = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=2))
    hold(published, kind, 1)
    barrier = threading.Barrier(16)
    answers: list[HoldView] = []
    waiting: list[Exception] = []

    def send() -> None:
        barrier.wait()
        try:
            answers.append(use_cases.place_hold(request, "per_me", "key", OPENING))
        except refusals.SameRequestInFlight as refused:
            waiting.append(refused)

    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) + len(waiting) == 16
    assert len({answer.hold_id for answer in answers}) == 1
    caching.forget()
    assert len(where(hold(published, kind, 97))) == 97


def test_without_redis_a_repetition_is_one_extra_hold_at_worst(no_redis: None) -> None:
    published, kind = on_sale(10)
    request = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=2))
    first = use_cases.place_hold(request, "per_me", "key", OPENING)
    again = use_cases.place_hold(request, "per_me", "key", OPENING)
    assert not where(first) & where(again)
    late = OPENING + timedelta(seconds=601)
    assert len(where(hold(published, kind, 10, late))) == 10
