"""The plans: how much each kind of caller may ask, read from one file and refused where it makes no sense."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from shared.money import Money
from shared.throttling.bucket import Limit

SOURCE: Final = Path(__file__).with_name("plans.yaml")
# What a bundle for Lambda carries in its place: no library for YAML is there, and none has to be loaded.
PACKAGED: Final = SOURCE.with_suffix(".json")

Rate = Annotated[float, msgspec.Meta(gt=0, le=10_000)]
Burst = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Quota = Annotated[int, msgspec.Meta(ge=1)]


class PlansError(Exception):
    """The file of the plans cannot be used; the message says why."""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a caller may ask: `rate` a second, `burst` at once after a rest, `quota` a calendar month (None: no end).

    `price` is what a calendar month of it costs, None for what is not sold.
    """

    rate: Rate
    burst: Burst
    quota: Quota | None = None
    price: Money | None = None


class StageLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What API Gateway lets through to one service in a stage, from everybody together."""

    rate: Rate
    burst: Burst


class PlansByName(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`anonymous` is counted by address, `free` by person, and the three that an organiser can have by API key."""

    anonymous: Plan
    free: Plan
    pro: Plan
    partner: Plan


class StagesByName(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The stages' own limits."""

    dev: StageLimit
    test: StageLimit
    prod: StageLimit


class Plans(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    plans: PlansByName
    stages: StagesByName

    @property
    def offered(self) -> dict[str, Plan]:
        """The plans of API keys, the smallest first."""
        return {"free": self.plans.free, "pro": self.plans.pro, "partner": self.plans.partner}

    def limit(self, name: str) -> Limit:
        """The limit of a plan's bucket. Raises AttributeError for a name that is no plan."""
        plan: Plan = getattr(self.plans, name)
        return Limit.of(name, rate=plan.rate, burst=plan.burst)


def checked(document: Any, name: str) -> Plans:
    """The plans in a document that was read already. Raises PlansError with a sentence that names what is wrong."""
    try:
        plans = msgspec.convert(document, Plans)
    except msgspec.ValidationError as error:
        raise PlansError(f"{name} cannot be used: {error}.") from error
    for (small, less), (large, more) in pairwise(plans.offered.items()):
        for figure in ("rate", "burst", "quota"):
            smaller, larger = getattr(less, figure), getattr(more, figure)
            if larger is not None and (smaller is None or smaller > larger):
                raise PlansError(f"{name} cannot be used: {large} allows less than {small}, by its {figure}.")
        if less.price is None or more.price is None or less.price.currency != more.price.currency:
            raise PlansError(f"{name} cannot be used: {small} and {large} have no prices in one currency.")
        if more.price < less.price:
            raise PlansError(f"{name} cannot be used: {large} costs less than {small}.")
    return plans


def read(path: Path) -> Plans:
    """The plans of a file, YAML or JSON by its name. Raises PlansError."""
    try:
        text = path.read_bytes()
        document = msgspec.json.decode(text) if path.suffix == ".json" else msgspec.yaml.decode(text)
    except (OSError, msgspec.DecodeError) as error:
        raise PlansError(f"{path.name} cannot be read: {error}.") from error
    return checked(document, path.name)


@lru_cache(maxsize=1)
def plans() -> Plans:
    """The plans of this installation, read once. Raises PlansError."""
    return read(PACKAGED if PACKAGED.exists() else SOURCE)


def packaged() -> bytes:
    """What a bundle carries as PACKAGED. Raises PlansError, so that wrong plans are never deployed."""
    return msgspec.json.encode(read(SOURCE))
