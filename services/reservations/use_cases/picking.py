"""Picking places by the hints, patiently: what somebody is writing at this moment is neither free nor gone."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from services.reservations.domain import Demand, Place, Sale
from services.reservations.domain.refusals import Busy
from services.reservations.repository import hints
from services.reservations.repository.hints import Key, Picked, Repeated, Told
from services.reservations.use_cases import looking

Block = tuple[str, int]
Found = dict[Demand, tuple[Place, ...]]


# So often one request looks at every block; each time somebody was faster than it.
_LOOKS_MAX: Final = 3
# How long a buyer waits for those who are writing the last places, each time about as long as this; hundreds may wait
# in one process, and must not keep those from writing.
WAITS_SECONDS: tuple[float, ...] = (0.03, 0.1, 0.3, 0.6)
# After so many refused writes the hints are taken to be wrong about more than the blocks that refused.
_REFUSALS_MAX: Final = 3


class Search:
    """Asks the hints for all demands of a basket; where they know of nothing free, after a look at every block.

    `besides` are places that the basket has already and that a look would count as free.
    """

    def __init__(
        self,
        sale: Sale,
        demands: Mapping[Demand, int],
        now: datetime,
        key: Key | None = None,
        *,
        besides: Sequence[Place] = (),
    ) -> None:
        self._besides = besides
        self._sale = sale
        self._demands = demands
        self._now = now
        self._key = key
        self._looks = self._refusals = 0
        self._waits = iter(WAITS_SECONDS)

    def pick(self, told: Sequence[Told], *, refused: Collection[Block] = ()) -> Found | Repeated:
        """Places to try, or the answer the request had before. `refused` are the blocks that said no to the last ones.

        Raises what `looking.judge` does, Busy, SameRequestInFlight, KeyOfAnotherRequest and CacheDown.
        """
        if refused:
            self._count_refusal(refused)
        while True:
            # The first question alone is about the key: the next ones would meet the record that it has made.
            key, self._key = self._key, None
            answer = hints.ask(self._sale, self._demands, self._now, key=key, told=told)
            if isinstance(answer, Picked):
                return answer.places
            if isinstance(answer, Repeated):
                return answer
            told = ()
            finding = looking.heard(self._sale, answer.demand, self._now, answer)
            quantity = self._quantity(answer.demand)
            if finding is not None and finding.until > self._now.timestamp():
                looking.judge(self._sale, answer.demand, quantity, finding)
            if answer.left == "leased" and self._waited():
                continue
            if self._looks == _LOOKS_MAX or (self._looks and not self._waited()):
                raise Busy
            self._looks += 1
            looking.look(self._sale, answer.demand, quantity, finding, self._now)

    def _quantity(self, demand: Demand) -> int:
        return self._demands[demand] + count_among(self._sale, demand, self._besides)

    def _waited(self) -> bool:
        """Wait a moment for those who are writing; False when there was waited long enough."""
        seconds = next(self._waits, None)
        if seconds is None:
            return False
        time.sleep(random.uniform(seconds / 2, seconds))
        return True

    def _count_refusal(self, refused: Collection[Block]) -> None:
        self._refusals += 1
        if self._refusals == _REFUSALS_MAX:
            for demand in self._demands:
                if any(pool_id == demand.pool_id for pool_id, _ in refused):
                    looking.look(self._sale, demand, self._quantity(demand), None, self._now, sold_too=True)


def count_among(sale: Sale, demand: Demand, places: Sequence[Place]) -> int:
    """How many of the places a look would count for that demand."""
    blocks = sale.layouts[demand.pool_id].blocks_of(demand.zone)
    return sum(place.pool_id == demand.pool_id and place.block in blocks for place in places)
