"""Finding what is coming up: the terms an event stands under, what a posting holds of it, and what a search asks."""

from services.catalog.domain.search.posting import Listed, Posting, posting_of, terms_of
from services.catalog.domain.search.search import (
    EXAMINED_MAX,
    JUDGED_MAX,
    RANKED_MAX,
    Search,
    Sort,
    TooManyMatches,
    check_search,
)
from services.catalog.domain.search.words import MONTHS, city_of, months_between, words_of

__all__ = [
    "EXAMINED_MAX",
    "JUDGED_MAX",
    "MONTHS",
    "RANKED_MAX",
    "Listed",
    "Posting",
    "Search",
    "Sort",
    "TooManyMatches",
    "check_search",
    "city_of",
    "months_between",
    "posting_of",
    "terms_of",
    "words_of",
]
