"""Where catalog keeps its rows.

venue#<id>       venue                       a place; in the index under its organiser
seat_map#<id>    seat_map                    a plan; never changes
series#<id>      series                      in the index under its organiser
event#<id>       event                       an event; once published, in the index under its month
voucher#<id>     voucher                     in the index under its event
organiser#<id>   organiser                   what accounts said of it
                 event#<starts at>#<event>   points to an event, so that an organiser's list costs no index
                 import#<source>             by how many weeks a season was moved when it first came in

index `listing`: organiser#<id>#venues, organiser#<id>#series (by name), published#<year>-<month> (by date),
event#<id>#vouchers (by code)
"""

from services.catalog.repository.events import (
    EventRow,
    Upcoming,
    add_event,
    add_published_event,
    event,
    events,
    of_row,
    organisers_events,
    save_event,
    upcoming,
)
from services.catalog.repository.memory import (
    forget_event,
    forget_upcoming,
    remembered_event,
    remembered_upcoming,
    remembered_venue,
)
from services.catalog.repository.organisers import (
    keep_organiser,
    organiser_name,
    remember_weeks_moved,
    weeks_moved,
)
from services.catalog.repository.places import (
    SeriesRow,
    VenueRow,
    add_seat_map,
    add_series,
    add_venue,
    existing,
    organisers_series,
    organisers_venues,
    seat_map,
    series,
    venue,
)
from services.catalog.repository.vouchers import (
    VoucherRow,
    add_voucher,
    add_vouchers,
    events_vouchers,
    save_voucher,
    voucher,
)
from services.catalog.repository.vouchers import of_row as voucher_of_row

__all__ = [
    "EventRow",
    "SeriesRow",
    "Upcoming",
    "VenueRow",
    "VoucherRow",
    "add_event",
    "add_published_event",
    "add_seat_map",
    "add_series",
    "add_venue",
    "add_voucher",
    "add_vouchers",
    "event",
    "events",
    "events_vouchers",
    "existing",
    "forget_event",
    "forget_upcoming",
    "keep_organiser",
    "of_row",
    "organiser_name",
    "organisers_events",
    "organisers_series",
    "organisers_venues",
    "remember_weeks_moved",
    "remembered_event",
    "remembered_upcoming",
    "remembered_venue",
    "save_event",
    "save_voucher",
    "seat_map",
    "series",
    "upcoming",
    "venue",
    "voucher",
    "voucher_of_row",
    "weeks_moved",
]
