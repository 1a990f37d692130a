"""Mails in DynamoDB: who was told what, and whether it went out.

    pk = order id   sk = "mail#<kind>#<version>"   one mail about one version of one order, or of an entry of a waiting
                                                   list, whose id then is the pk, or about an organiser's month,
                                                   to one owner: pk = "<organiser>#<month>#<plan>#<person>"

The row is the inbox too: a message that comes again finds it. It has no time to live, because a republish years later
must not mail again. Nothing is announced.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from services.notifications.domain import ClaimHeld, Mail, Sent, State, may_claim
from shared.data import AlreadyExists, Row, ShapeAttribute, StaleVersion, insert, query_all, replace

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _MailRow(Row):
    class Meta:
        table_variable = "NOTIFICATIONS_TABLE_NAME"

    mail: ShapeAttribute[Sent] = ShapeAttribute(Sent)


class Claim:
    """The right to send one mail, for as long as a claim is kept."""

    def __init__(self, row: Any) -> None:
        self._row = row

    @property
    def mail(self) -> Sent:
        """What is kept of the mail."""
        kept: Sent = self._row.mail
        return kept

    def finish(self, state: State, reference: str | None, now: datetime) -> Sent:
        """Keep that the mail went out, or never can; nobody tries it again."""
        sent_at = now if state == "sent" else None
        return self._keep(msgspec.structs.replace(self.mail, state=state, sent_at=sent_at, reference=reference), now)

    def release(self, now: datetime) -> None:
        """Let the next try begin at once. A claim that somebody took over meanwhile stays theirs."""
        try:
            self._keep(msgspec.structs.replace(self.mail, claimed_at=_LONG_AGO), now)
        except StaleVersion:
            return

    def _keep(self, mail: Sent, now: datetime) -> Sent:
        self._row.mail = mail
        replace(self._row, now=now)
        return mail


def claim(mail: Mail, now: datetime) -> Claim | None:
    """Claim a mail before it is sent; None when it was sent, or found undeliverable, before.

    Raises ClaimHeld while somebody else is sending it.
    """
    kept = Sent(
        about_id=mail.about_id,
        kind=mail.kind,
        version=mail.version,
        organiser_id=mail.organiser_id,
        person_id=mail.person_id,
        address=mail.address,
        subject=mail.subject,
        state="claimed",
        claimed_at=now,
        tries=1,
        event_name=event_name(mail),
    )
    row = _MailRow(mail.about_id, _sort_key(mail), mail=kept)
    try:
        insert(row, now=now)
        return Claim(row)
    except AlreadyExists as refused:
        stored = refused.stored
    assert isinstance(stored, _MailRow)
    if stored.mail.state != "claimed":
        return None
    if not may_claim(stored.mail, now):
        raise ClaimHeld(f"{mail.kind} of {mail.about_id} is being sent")
    stored.mail = msgspec.structs.replace(kept, tries=stored.mail.tries + 1)
    try:
        replace(stored, now=now)
    except StaleVersion as stale:
        raise ClaimHeld(f"{mail.kind} of {mail.about_id} was taken over by somebody else") from stale
    return Claim(stored)


def mails_of(order_id: str) -> list[Sent]:
    """Every mail about an order: tickets, then refund, each in the order of its versions."""
    kinds = {"tickets": 0, "refund": 1, "offer": 2, "quota": 3}
    rows = query_all(_MailRow, order_id, sk_prefix="mail#", consistent=True)
    return sorted((row.mail for row in rows), key=lambda mail: (kinds[mail.kind], mail.version))


def event_name(mail: Mail) -> str | None:
    """The event a mail speaks of, where it knows."""
    name = mail.facts.get("event_name")
    return name if isinstance(name, str) else None


def _sort_key(mail: Mail) -> str:
    return f"mail#{mail.kind}#{mail.version:08d}"
