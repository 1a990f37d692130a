"""Buyers, payments, refunds, the organiser and mishaps in any order, against the model of `places_model`.

Real DynamoDB and Redis underneath. All chance comes from Hypothesis and from the seed it draws, so that a run of one
seed is the same run every time, request by request.
"""

from __future__ import annotations

from tests.property.reservations.buyer_rules import BuyerRules
from tests.property.reservations.order_rules import OrderRules
from tests.property.reservations.organiser_rules import OrganiserRules


class Inventory(BuyerRules, OrderRules, OrganiserRules):
    """Everything that may happen to the places of an event."""
