"""What the archives do not tell of a season: the houses' plans, capacities, time zones and prices.

All numbers here are invented for the example, but for the size of David Geffen Hall: 2,200 seats.
"""

from __future__ import annotations

from typing import Final

from services.catalog.domain.seat_map import Row, Run, Section

HALL: Final = "David Geffen Hall"
CURRENCY: Final = "USD"
CAPACITY_DEFAULT: Final = 300

_NEW_YORK: Final = "America/New_York"
_TIME_ZONES: Final = {
    "Vail, CO": "America/Denver",
    "Seoul, KOREA": "Asia/Seoul",
    "Incheon, South Korea": "Asia/Seoul",
    "Shanghai, CHINA": "Asia/Shanghai",
}
_BOROUGHS: Final = frozenset({"Manhattan", "Bronx", "Brooklyn", "Queens", "Staten Island"})

_CAPACITIES: Final = {
    "Merkin Hall": 450,
    "Gerald R. Ford Amphitheater": 2600,
    "The Stanley H. Kaplan Penthouse": 120,
    "Kenneth C. Griffin Sidewalk Studio": 100,
    "Museum of Modern Art, The": 400,
    "Doubles Club at the Sherry Netherland Hotel": 80,
    "Café Boulud": 60,
    "48-50 West 69th Street": 60,
    "The Cathedral Church of Saint John the Divine": 1500,
    "Abyssinian Baptist Church": 800,
    "Juilliard - Juilliard Theater": 900,
    "Seoul Arts Center (Concert Hall)": 2500,
    "Arts Center Incheon": 1700,
    "Shanghai Symphony Hall": 1200,
    "The Great Lawn, Central Park": 5000,
    "Van Cortlandt Park": 3000,
    "Prospect Park": 4000,
    "Cunningham Park": 3000,
    "St. George Theatre": 1900,
    "Guild Hall": 350,
    "Vilar Performing Arts Center": 500,
    "Villa Albertine": 80,
}

# In minor units, for a subscription concert.
_ZONE_PRICES: Final = {
    "Orchestra Prime": 16_500,
    "Orchestra": 11_900,
    "First Tier": 9_500,
    "Second Tier": 6_900,
    "Third Tier": 4_500,
}
_GENERAL_PRICE: Final = 6_000
# In hundredths of the price of a subscription concert.
_PRICE_PERCENT: Final = {
    "Young People's Concert": 25,
    "Very Young People's Concert": 40,
    "Young People's Concerts for Schools": 10,
    "Fundraising Concert": 300,
    "Nightcap": 40,
    "Sound ON": 50,
    "Artist Spotlight": 70,
    "Chamber": 60,
    "Pride Alliance": 50,
    "Community": 20,
    "Take a Breath": 20,
    "Lecture": 25,
    # Admission to the concerts in the parks is free; the example asks for a small fee that every provider can take.
    "Parks": 10,
    "Parks - Free Indoor Concert": 10,
}


def time_zone(location: str) -> str:
    """The zone a place's clocks follow: New York's unless the orchestra is on tour."""
    return _TIME_ZONES.get(location, _NEW_YORK)


def city(location: str) -> str:
    """`Seoul, KOREA` as `Seoul`, and New York for its boroughs."""
    name = location.partition(",")[0].strip()
    return "New York" if name in _BOROUGHS else name


def general_capacity(archived_venue: str) -> int:
    """How many people a house without a plan takes."""
    return _CAPACITIES.get(archived_venue, CAPACITY_DEFAULT)


def zone_price(kind: str, zone: str) -> int:
    """The price of a seat of the hall in that zone, in minor units, for that kind of event."""
    return _scaled(_ZONE_PRICES[zone], kind)


def general_price(kind: str) -> int:
    """The price of a place in a house without a plan, in minor units, for that kind of event."""
    return _scaled(_GENERAL_PRICE, kind)


def hall_sections() -> tuple[Section, ...]:
    """The hall: 34 rows of 36 in the orchestra, whose middle is dearer in 24 of them, and three tiers: 2,200 seats."""
    orchestra = tuple(_orchestra_row(_row_name(number), prime=number < 24) for number in range(34))
    return (
        Section("Orchestra", orchestra),
        _tier("First Tier", seats_per_row=44),
        _tier("Second Tier", seats_per_row=40),
        _tier("Third Tier", seats_per_row=38),
    )


def hall_zones() -> tuple[str, ...]:
    """The hall's price zones, the dearest first."""
    return tuple(_ZONE_PRICES)


def _orchestra_row(name: str, *, prime: bool) -> Row:
    middle = "Orchestra Prime" if prime else "Orchestra"
    return Row(name, (Run(1, 10, "Orchestra"), Run(11, 26, middle), Run(27, 36, "Orchestra")))


def _tier(name: str, *, seats_per_row: int) -> Section:
    half = seats_per_row // 2
    runs = (Run(1, half, name), Run(half + 1, seats_per_row, name))
    return Section(name, tuple(Row(_row_name(number), runs) for number in range(8)))


def _row_name(number: int) -> str:
    letter = chr(ord("A") + number % 26)
    return letter * (1 + number // 26)


def _scaled(price: int, kind: str) -> int:
    # To whole hundreds, as printed prices are.
    return max(100, round(price * _PRICE_PERCENT.get(kind, 100) / 100 / 100) * 100)
