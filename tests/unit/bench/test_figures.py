"""The reckoning of the benchmarks: percentiles, medians, comparisons and the picture. No time is measured here."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from bench.figures import Round, medians, percentile, slowdown
from bench.picture import picture


def round_of(way: str, per_second: float, buyers: int = 8, p99: float = 1.0, busy: int = 0) -> Round:
    return Round(
        kind="general",
        way=way,
        buyers=buyers,
        orders=100,
        seconds=100 / per_second,
        per_second=per_second,
        p50=1.0,
        p99=p99,
        busy=busy,
        cpu={"gateway": 2.0},
    )


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([float(each) for each in range(100, 0, -1)], share) == value


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_repetitions_become_their_medians_and_groups_stay_apart() -> None:
    made = medians(
        [
            round_of("product", 10, p99=9.0, busy=1),
            round_of("raw", 90),
            round_of("product", 30, p99=1.0, busy=2),
            round_of("product", 20, p99=2.0),
            round_of("product", 500, buyers=32),
        ]
    )
    assert [(each.way, each.buyers, each.per_second, each.p99, each.busy) for each in made] == [
        ("product", 8, 20, 2.0, 3),
        ("raw", 8, 90, 1.0, 0),
        ("product", 32, 500, 1.0, 0),
    ]


def test_the_product_is_compared_with_the_bare_round_of_as_many_buyers() -> None:
    rounds = [round_of("raw", 1000, buyers=1), round_of("raw", 300), round_of("lean", 240), round_of("product", 200)]
    assert (slowdown(rounds, rounds[-1], "raw"), slowdown(rounds, rounds[-1], "lean")) == (1.5, 1.2)


def test_the_picture_is_svg_with_a_bar_for_each_round() -> None:
    drawn = ElementTree.fromstring(picture([round_of("raw", 200), round_of("product", 100)]))
    bars = [each for each in drawn.iter("{http://www.w3.org/2000/svg}rect") if each.get("height") == "16"]
    widths = [float(each.get("width") or 0) for each in bars]
    assert len(widths) == 2
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
