"""Parameters and bodies of notifications' routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from services.notifications.domain import Kind, Sent, State
from shared.http import QueryParameters

OrderId = Annotated[str, msgspec.Meta(pattern=r"^ord_[0-9a-z]{26}$", description="an order's id")]


class OfOrder(QueryParameters, frozen=True, kw_only=True):
    """Which order."""

    order_id: OrderId


class NotificationView(msgspec.Struct, frozen=True, kw_only=True):
    """One mail about an order. `state` is `claimed` while it is being sent."""

    order_id: str
    kind: Kind
    state: State
    address: str
    subject: str
    tries: int
    sent_at: datetime | None

    @classmethod
    def of(cls, mail: Sent) -> NotificationView:
        """The view of a mail."""
        return cls(
            order_id=mail.about_id,
            kind=mail.kind,
            state=mail.state,
            address=mail.address,
            subject=mail.subject,
            tries=mail.tries,
            sent_at=mail.sent_at,
        )


class Notifications(msgspec.Struct, frozen=True):
    """The mails about one order; there are few, so they come on one page."""

    items: list[NotificationView]
    next: str | None = None
