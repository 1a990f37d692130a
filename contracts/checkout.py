"""The order token: what orders signs (audience "order"), the client carries, and payments opens a checkout with."""

from __future__ import annotations

import msgspec

from contracts.sale import Money, Time


class OrderToken(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid, to whom and by whom, until `expires_at`. One order is at most one payment."""

    order_id: str
    event_id: str
    event_name: str
    organiser_id: str
    person_id: str
    total: Money
    expires_at: Time
