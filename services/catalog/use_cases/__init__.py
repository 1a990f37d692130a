"""What people and messages ask of catalog, one function for each."""

from services.catalog.use_cases.availability import keep_told, told_of
from services.catalog.use_cases.browsing import Expansion, expanded, organisers_events, search_events, told_of_all
from services.catalog.use_cases.events import (
    announced_event,
    change_event,
    event_for,
    forget_changed,
    plan_event,
    publish_event,
    published_message,
)
from services.catalog.use_cases.organisers import keep_organiser
from services.catalog.use_cases.places import (
    add_seat_map,
    add_series,
    add_venue,
    list_series,
    list_venues,
    seat_map,
    shown_venue,
    venue,
)
from services.catalog.use_cases.season import import_season
from services.catalog.use_cases.vouchers import (
    VOUCHER_MAKERS,
    VOUCHER_READERS,
    change_voucher,
    list_vouchers,
    make_vouchers,
    revoke_voucher,
    voucher_message,
)

__all__ = [
    "VOUCHER_MAKERS",
    "VOUCHER_READERS",
    "Expansion",
    "add_seat_map",
    "add_series",
    "add_venue",
    "announced_event",
    "change_event",
    "change_voucher",
    "event_for",
    "expanded",
    "forget_changed",
    "import_season",
    "keep_organiser",
    "keep_told",
    "list_series",
    "list_venues",
    "list_vouchers",
    "make_vouchers",
    "organisers_events",
    "plan_event",
    "publish_event",
    "published_message",
    "revoke_voucher",
    "search_events",
    "seat_map",
    "shown_venue",
    "told_of",
    "told_of_all",
    "venue",
    "voucher_message",
]
