"""Finding places and taking them: the hints say where, the write decides, a refusal says what is really free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple

from services.reservations import domain
from services.reservations.domain import Basket, Demand, Passing, Place, Sale, SeatedLayout, Slots
from services.reservations.domain.refusals import AllHeld, Busy, HoldExpired, PlacesTaken, Refusal, SoldOut, TooFewLeft
from services.reservations.repository import BLOCKS_PER_HOLD_MAX, BlocksRefused, hints, look_at, take
from services.reservations.repository.hints import Key, Repeated, Told
from services.reservations.use_cases import looking
from services.reservations.use_cases.parts import Parts
from services.reservations.use_cases.picking import Found, Search, count_among
from shared.cache import CacheDown

# Each try is a pick and a write; a refused one has taught the hints what its blocks have free.
TRIES_MAX: Final = 6
PROBES_MAX: Final = 8
_STRIDE: Final = 7919


class Claim(NamedTuple):
    """Who takes places until when; `seed` spreads buyers over the blocks when no hint says where to look.

    What is `passing` to the claim, from the hold it replaces or a withholding, counts as free for it.
    """

    hold_id: str
    until: int
    seed: int
    now: datetime
    passing: Passing | None = None


class Taken(NamedTuple):
    """Places that are the claim's now, for each demand, and what the hints are to hear; `freed` if others came free."""

    found: Found
    told: list[Told]
    freed: bool = False


def find_and_take(sale: Sale, basket: Basket, claim: Claim, key: Key | None = None) -> Taken | Repeated:
    """Take the chosen places and find the rest, all of them or none, together with the limits they count for.

    Who tells the hints of it gives them the sale with the basket's quotas (`domain.with_quotas`). With `key`, a request
    that was answered before is answered by its record. Raises PlacesTaken, SoldOut, AllHeld, TooFewLeft, NotTogether, a
    quota's refusal, HoldExpired when the claim's time is over, HoldSold, Busy, SameRequestInFlight and
    KeyOfAnotherRequest.
    """
    sale = domain.with_quotas(sale, basket.quotas)
    if key is None and claim.passing is None:
        _judge_by_memory(sale, basket, claim)
    try:
        if key is not None and (basket.bays or claim.passing is not None):
            # Asked apart: what such a basket has to look at first must not keep it from the answer it had before.
            repeated = Search(sale, {}, claim.now, key).pick([])
            if isinstance(repeated, Repeated):
                return repeated
            key = None
        if claim.passing is not None and claim.until < claim.now.timestamp():
            raise HoldExpired
        return _with_hints(sale, basket, claim, key)
    except CacheDown:
        return _without_hints(sale, basket, claim)


def find_places(sale: Sale, demands: Mapping[Demand, int], besides: Sequence[Place], claim: Claim) -> Found:
    """Places that are free as far as is known, besides those the claim has, without taking them.

    Raises SoldOut, AllHeld, TooFewLeft, NotTogether, Busy.
    """
    try:
        # What the claim has may have run out, and then looks free to everybody but this caller.
        now = int(claim.now.timestamp())
        seen = look_at(domain.by_block(besides))
        run_out = [place for place in besides if _is_free(seen[place.pool_id, place.block], place.slot, now)]
        found = Search(sale, demands, claim.now, besides=run_out).pick(_leases(besides, claim))
        assert not isinstance(found, Repeated)
        return found
    except CacheDown:
        return _probe_all(sale, demands, besides, claim)


def _judge_by_memory(sale: Sale, basket: Basket, claim: Claim) -> None:
    """Refuse what this process knows to be gone, at the cost of nothing: most of those who come to an on-sale."""
    limits = ((quota.demand, quota.places) for quota in basket.quotas)
    for demand, quantity in (*basket.demands.items(), *limits):
        finding = looking.remembered(sale, demand, claim.now)
        if finding is not None:
            looking.judge(sale, demand, quantity, finding)


def _with_hints(sale: Sale, basket: Basket, claim: Claim, key: Key | None) -> Taken | Repeated:
    parts = Parts(sale, basket, claim)
    chosen = parts.chosen
    search = Search(sale, parts.rest, claim.now, key, besides=chosen)
    # The seats that were named are leased first, so that the other lines are not sent to them.
    told = _leases(chosen, claim) if parts.rest else []
    refused: Sequence[tuple[str, int]] = ()
    picked: Found | Repeated = {}
    try:
        for attempt in range(TRIES_MAX):
            asked, told, picked = told, [], {}
            with _counting_own(parts):
                if parts.rest or (key is not None and attempt == 0):
                    picked = search.pick(asked, refused=refused)
            if isinstance(picked, Repeated):
                return picked
            own = set(parts.taken_so_far())
            twice = [place for places in picked.values() for place in places if place in own]
            if twice:
                # The lease of a named seat was lost on the way (a pool prepared just now), or what the replaced hold
                # had is its no more (refunded, say). The next pick knows what is true, and may have the others again.
                seen = look_at(domain.by_block(twice))
                told = _refused(sale, picked, seen) + _leases(chosen, claim)
                parts.learn(seen)
                continue
            result = _take(sale, parts, parts.with_picked(picked), claim)
            if isinstance(result, Taken):
                return result
            # What the refusing blocks have free is tried next, by way of the hints: they know what others write now.
            told, refused, picked = _refused(sale, picked, result), list(result), {}
            parts.learn(result)
        raise Busy
    except Refusal:
        # Nothing was written: nobody need wait for what was picked, and the next one knows what was seen.
        told += _refused(sale, picked, {}) if not isinstance(picked, Repeated) else []
        if told:
            hints.tell(sale, told, claim.now)
        raise


def _without_hints(sale: Sale, basket: Basket, claim: Claim) -> Taken:
    if claim.passing is None:
        _judge_by_memory(sale, basket, claim)
    elif claim.until < claim.now.timestamp():
        raise HoldExpired
    parts = Parts(sale, basket, claim)
    for attempt in range(TRIES_MAX):
        with _counting_own(parts):
            # Elsewhere each time: who was faster is likely to be there again.
            elsewhere = claim._replace(seed=claim.seed + attempt * _STRIDE)
            picked = _probe_all(sale, parts.rest, parts.taken_so_far(), elsewhere)
        result = _take(sale, parts, parts.with_picked(picked), claim)
        if isinstance(result, Taken):
            return result
        parts.learn(result)
    raise Busy


@contextmanager
def _counting_own(parts: Parts) -> Iterator[None]:
    """What passes over is left for this basket, too: a refusal that says how many there are has to count it."""
    try:
        yield
    except (SoldOut, AllHeld, TooFewLeft) as refusal:
        if parts.passing is None or len(parts.rest) > 1:
            raise
        counted = parts.counting_own(refusal)
        if counted is None:
            raise
        raise counted from refusal


def _probe_all(sale: Sale, demands: Mapping[Demand, int], besides: Sequence[Place], claim: Claim) -> Found:
    found: Found = {}
    for demand, quantity in demands.items():
        others = [*besides, *(place for places in found.values() for place in places)]
        found[demand] = _probe(sale, demand, quantity, others, claim)
    return found


def _probe(sale: Sale, demand: Demand, quantity: int, besides: Sequence[Place], claim: Claim) -> tuple[Place, ...]:
    layout = sale.layouts[demand.pool_id]
    every = layout.blocks_of(demand.zone)

    def choose(seen: Mapping[tuple[str, int], Slots]) -> tuple[Place, ...] | None:
        now, together = int(claim.now.timestamp()), demand.together
        return domain.choose_places(
            layout, seen, quantity, together=together, now=now, besides=besides, seed=claim.seed
        )

    numbers = domain.probe_order(every, claim.seed, PROBES_MAX)
    probed = look_at((demand.pool_id, number) for number in numbers)
    places = choose(probed)
    if places is None:
        needed = quantity + count_among(sale, demand, besides)
        places = choose(looking.look_alone(sale, demand, needed, claim.now, probed))
    if places is None:
        raise Busy
    return places


def _take(sale: Sale, parts: Parts, found: Found, claim: Claim) -> Taken | dict[tuple[str, int], Slots]:
    """Write the claim; the refusing blocks when somebody was faster. Raises PlacesTaken for chosen seats, Busy."""
    places = [*parts.chosen, *(place for places in found.values() for place in places)]
    wanted, freed = domain.by_block(places), parts.passing.left_by(places) if parts.passing is not None else {}
    if len(wanted.keys() | freed.keys()) > BLOCKS_PER_HOLD_MAX:
        raise Busy
    try:
        take(claim.hold_id, wanted, claim.until, now=claim.now, passing=parts.passing)
    except BlocksRefused as refused:
        others = parts.passing.seen_free(refused.blocks) if parts.passing is not None else refused.blocks
        taken = _taken_seats(sale, parts.chosen, others, claim.now)
        if taken:
            hints.tell(sale, _seen(sale, refused.blocks), claim.now)
            raise PlacesTaken(taken) from refused
        return refused.blocks
    # Its own slots alone: what the write showed of the others may be older than what their writers have told.
    untils = {block: dict.fromkeys(slots, claim.until) for block, slots in wanted.items()}
    for block, slots in freed.items():
        untils[block] = untils.get(block, {}) | dict.fromkeys(slots, 0)
    told = [Told(block, slots, exact=True) for block, slots in untils.items() if _is_hinted(sale, block)]
    return Taken(found, told, freed=bool(freed))


def _taken_seats(
    sale: Sale, chosen: Sequence[Place], refused: Mapping[tuple[str, int], Slots], now: datetime
) -> list[dict[str, str]]:
    seconds = int(now.timestamp())
    taken = []
    for place in chosen:
        slot = refused.get((place.pool_id, place.block), {}).get(place.slot)
        layout = sale.layouts[place.pool_id]
        if slot is not None and slot.until >= seconds and isinstance(layout, SeatedLayout):
            seat = layout.seat(place.block, place.slot)
            state = domain.state_of(slot)
            taken.append({"section": seat.section, "row": seat.row, "seat": str(seat.number), "state": state})
    return taken


def _seen(sale: Sale, blocks: Mapping[tuple[str, int], Slots]) -> list[Told]:
    return [
        hints.seen(block, slots, sale.layouts[block[0]]) for block, slots in blocks.items() if _is_hinted(sale, block)
    ]


def _is_hinted(sale: Sale, block: tuple[str, int]) -> bool:
    """Whether Redis is told of the block: of a limit that is tried without it there is nothing to know."""
    quota = sale.quotas.get(block[0])
    return block[0] in sale.layouts and (quota is None or not quota.exact)


def _refused(sale: Sale, found: Found, refused: Mapping[tuple[str, int], Slots]) -> list[Told]:
    """What a refusal teaches: the refusing blocks as they are, and that nobody writes the places picked any more."""
    wanted = domain.by_block(place for places in found.values() for place in places)
    picked = []
    for block, slots in wanted.items():
        seen = refused.get(block, {})
        picked.append(Told(block, {slot: seen[slot].until if slot in seen else 0 for slot in slots}, exact=True))
    return picked + _seen(sale, refused)


def _is_free(slots: Slots, slot: int, now: int) -> bool:
    return slot not in slots or slots[slot].until < now


def _leases(chosen: Sequence[Place], claim: Claim) -> list[Told]:
    until = int(claim.now.timestamp()) + hints.LEASE_SECONDS
    return [Told(block, dict.fromkeys(slots, until), exact=True) for block, slots in domain.by_block(chosen).items()]
