"""Where catalog keeps its rows.

venue#<id>       venue                       a place; in the index under its organiser
seat_map#<id>    seat_map                    a plan; never changes
series#<id>      series                      in the index under its organiser
event#<id>       event                       an event; once published, in the index under its month
organiser#<id>   organiser                   what accounts said of it
                 event#<starts at>#<event>   points to an event, so that an organiser's list costs no index
                 import#<source>             by how many weeks a season was moved when it first came in

index `listing`: organiser#<id>#venues, organiser#<id>#series (by name), published#<year>-<month> (by date)
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
from services.catalog.repository.memory import forget_event, forget_upcoming, remembered_event, remembered_upcoming
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

__all__ = [
    "EventRow",
    "SeriesRow",
    "Upcoming",
    "VenueRow",
    "add_event",
    "add_published_event",
    "add_seat_map",
    "add_series",
    "add_venue",
    "event",
    "events",
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
    "save_event",
    "seat_map",
    "series",
    "upcoming",
    "venue",
    "weeks_moved",
]
