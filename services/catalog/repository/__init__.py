"""Where catalog keeps its rows.

venue#<id>       venue                       a place; in the index under its organiser
seat_map#<id>    seat_map                    a plan; never changes
series#<id>      series                      in the index under its organiser
event#<id>       event                       an event; once published, it says where its postings stand
                 left                        what reservations told of its places
term#<term>      <starts at>#<event>         a posting: an event in the list of one term, until a day after it began
voucher#<id>     voucher                     in the index under its event
organiser#<id>   organiser                   what accounts said of it
                 event#<starts at>#<event>   points to an event, so that an organiser's list costs no index
                 import#<source>             by how many weeks a season was moved when it first came in

terms: month:<year>-<month>, organiser:<id>, venue:<id>, series:<id>, city:<name>, word:<its first three letters>

index `listing`: organiser#<id>#venues, organiser#<id>#series (by name), event#<id>#vouchers (by code)
"""

from services.catalog.repository.availability import LeftRow, keep_told, told_of
from services.catalog.repository.browsing import Found, found, upcoming
from services.catalog.repository.events import (
    EventRow,
    OrganisersPage,
    add_event,
    add_published_event,
    event,
    events,
    of_row,
    organisers_events,
    save_event,
)
from services.catalog.repository.memory import (
    forget_event,
    forget_upcoming,
    remembered_event,
    remembered_events,
    remembered_found,
    remembered_told,
    remembered_venue,
    remembered_venues,
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
    venues,
)
from services.catalog.repository.postings import PostingRow, relist
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
    "Found",
    "LeftRow",
    "OrganisersPage",
    "PostingRow",
    "SeriesRow",
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
    "found",
    "keep_organiser",
    "keep_told",
    "of_row",
    "organiser_name",
    "organisers_events",
    "organisers_series",
    "organisers_venues",
    "relist",
    "remember_weeks_moved",
    "remembered_event",
    "remembered_events",
    "remembered_found",
    "remembered_told",
    "remembered_venue",
    "remembered_venues",
    "save_event",
    "save_voucher",
    "seat_map",
    "series",
    "told_of",
    "upcoming",
    "venue",
    "venues",
    "voucher",
    "voucher_of_row",
    "weeks_moved",
]
