"""The file of the plans: what is in it, and that a wrong one is refused with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.throttling import Limit, PlansError, plans
from shared.throttling.plans import PACKAGED, SOURCE, checked, packaged, read

PLAN: dict[str, Any] = {"rate": 10, "burst": 100, "quota": 1000, "price": {"amount": 100, "currency": "USD"}}


def document(**changes: Any) -> dict[str, Any]:
    """A whole file, with some plans changed."""
    offered = {"anonymous": {"rate": 5, "burst": 50}, "free": PLAN, "pro": PLAN, "partner": PLAN}
    stage = {"rate": 100, "burst": 100}
    return {"plans": {**offered, **changes}, "stages": {"dev": stage, "test": stage, "prod": stage}}


def test_the_plans_are_read_and_become_limits() -> None:
    assert list(plans().offered) == ["free", "pro", "partner"]
    free = plans().plans.free
    assert plans().limit("free") == Limit.of("free", rate=free.rate, burst=free.burst)


def test_the_repository_has_the_file_for_people_and_a_bundle_the_one_for_programs(tmp_path: Path) -> None:
    assert SOURCE.exists()
    assert not PACKAGED.exists()
    carried = tmp_path / PACKAGED.name
    carried.write_bytes(packaged())
    assert read(carried) == plans()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pro": {"rate": 0, "burst": 100}}, r"> 0.* at `\$\.plans\.pro\.rate`"),
        ({"pro": {"rate": "fast", "burst": 100}}, r"`\$\.plans\.pro\.rate`"),
        ({"pro": {"rate": 10}}, r"missing required field `burst`.*`\$\.plans\.pro`"),
        ({"pro": {"rate": 10, "burst": 100, "quotta": 1}}, r"unknown field `quotta`"),
        ({"gold": {"rate": 10, "burst": 100}}, r"unknown field `gold`"),
        ({"pro": {"rate": 9, "burst": 100, "quota": 1000}}, "pro allows less than free, by its rate"),
        ({"partner": {"rate": 10, "burst": 99, "quota": 1000}}, "partner allows less than pro, by its burst"),
        ({"free": {"rate": 10, "burst": 100}}, "pro allows less than free, by its quota"),
        ({"pro": {"rate": 10, "burst": 100, "quota": 1000}}, "free and pro have no prices in one currency"),
        ({"pro": PLAN | {"price": {"amount": 100, "currency": "EUR"}}}, "free and pro have no prices in one currency"),
        ({"partner": PLAN | {"price": {"amount": 99, "currency": "USD"}}}, "partner costs less than pro"),
        ({"pro": PLAN | {"price": {"amount": 1.5, "currency": "USD"}}}, r"`\$\.plans\.pro\.price\.amount`"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(changes: dict[str, Any], said: str) -> None:
    assert checked(document(), "plans.yaml")
    with pytest.raises(PlansError, match=rf"(?i)^plans\.yaml cannot be used: .*{said}.*\.$"):
        checked(document(**changes), "plans.yaml")


def test_what_is_no_yaml_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "plans.yaml"
    for text in ("plans: [", "plans: 7"):
        path.write_text(text)
        with pytest.raises(PlansError, match=r"^plans\.yaml cannot be (read|used): "):
            read(path)
    with pytest.raises(PlansError, match="cannot be read"):
        read(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1)])
def test_a_limit_that_lets_nothing_through_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="lets something through"):
        Limit.of("none", rate=rate, burst=burst)
