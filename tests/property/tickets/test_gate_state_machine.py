"""Any sequence of scans, retries, exits and a refund leaves the ticket as an independent model says.

The model is a set of what was answered under each key, and two flags; it knows nothing of versions or transactions.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.tickets import domain, repository, use_cases
from services.tickets.domain import Direction
from shared import ids
from shared.auth import Identity
from tests.unit.tickets.sample_tickets import AT, confirmed, published, refunded

KEYS = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))


class Door(RuleBasedStateMachine):
    """One ticket, two gates, one scanner."""

    @initialize()
    def open(self) -> None:
        from services.tickets.app import settings as app_settings
        from services.tickets.settings import desk

        self.desk = desk(app_settings)
        event = published()
        use_cases.keep_event(event, AT)
        self.sale = confirmed(event, 1)
        issue = use_cases.issue_tickets(self.sale, self.desk, AT)
        self.ticket_id = issue.tickets[0].ticket_id
        self.owner = Identity(ids.new_id("per"), "o@b.example", "O", "ses", {event.organiser_id: "owner"})
        self.gates = [
            use_cases.add_gate(event.event_id, None, name, identity=self.owner, key=name, now=AT).gate_id
            for name in ("front", "back")
        ]
        found = repository.find_ticket(self.ticket_id)
        assert found is not None
        self.code = found.code
        self.run = secrets.token_hex(4)
        self.answered: dict[str, tuple[Any, str, Direction]] = {}
        self.inside = False
        self.revoked = False
        self.admissions: list[str] = []

    @rule(direction=st.sampled_from(["in", "out"]), gate=st.integers(0, 1), key=KEYS)
    def scan(self, direction: Direction, gate: int, key: str | None) -> None:
        """A scan, or the retry of one."""
        gate_id = self.gates[gate]
        given = None if key is None else f"{self.run}-{key}"
        try:
            scan = use_cases.scan(
                self.code, gate_id, direction, identity=self.owner, key=given, jwks=self.desk.keys.jwks(), now=AT
            )
            answer: Any = ("admitted", scan.admission_id, scan.passages)
        except domain.Refused as refused:
            answer = ("refused", refused.reason, refused.gate_id)
        except domain.KeyReused:
            answer = ("reused",)
        if key in self.answered:
            before, its_gate, its_direction = self.answered[key]
            assert answer == (before if (its_gate, its_direction) == (gate_id, direction) else ("reused",))
            return
        assert answer[:2] == self.expected(direction, answer)
        if key is not None:
            self.answered[key] = (answer, gate_id, direction)
        if answer[0] == "admitted":
            self.inside = direction == "in"
            self.admissions.append(answer[1])

    def expected(self, direction: Direction, answer: Any) -> tuple[str, str]:
        """What a fresh scan must be told."""
        if direction == "out":
            return ("admitted", answer[1]) if self.inside else ("refused", "not_inside")
        if self.revoked:
            return ("refused", "revoked")
        return ("refused", "already_admitted") if self.inside else ("admitted", answer[1])

    @precondition(lambda self: not self.revoked)
    @rule()
    def refund(self) -> None:
        """The order's money goes back."""
        use_cases.revoke_tickets(refunded(self.sale), AT)
        self.revoked = True

    @rule()
    def confirm_again(self) -> None:
        """The message that issued the ticket comes again."""
        use_cases.issue_tickets(self.sale, self.desk, AT)

    @invariant()
    def the_ticket_is_where_the_model_says(self) -> None:
        if not hasattr(self, "ticket_id"):
            return
        ticket = repository.find_ticket(self.ticket_id)
        assert ticket is not None
        assert (ticket.is_inside, ticket.is_revoked, ticket.passages) == (
            self.inside,
            self.revoked,
            len(self.admissions),
        )

    @invariant()
    def every_admission_is_recorded_once(self) -> None:
        if not hasattr(self, "ticket_id"):
            return
        listed = repository.admissions_of(self.sale.event_id, 100, None).items
        assert sorted(scan.admission_id for scan in listed) == sorted(self.admissions)
        assert sorted(scan.passages for scan in listed) == list(range(1, len(listed) + 1))
        assert msgspec.json.encode(listed).find(self.sale.buyer.email.encode()) == -1


Door.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestDoor = Door.TestCase
