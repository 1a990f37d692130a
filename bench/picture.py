"""A bar chart as SVG, drawn by hand: orders a second through the product, beside the bare writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.figures import Round

_WIDTH: Final = 720
_LEFT: Final = 150
_BAR: Final = 16
_GAP: Final = 14
_TOP: Final = 56
_COLOURS: Final = {"product": "#2457a6", "botocore": "#7f97bd", "lean": "#a9b8cf", "raw": "#d3dbe6"}
_ORDER: Final = tuple(_COLOURS)


def picture(rounds: Sequence[Round]) -> str:
    """The chart: for each kind of event and number of buyers at once, the product's bar over the bare ones."""
    most = max((each.per_second for each in rounds), default=1.0)
    scale = (_WIDTH - _LEFT - 90) / most
    groups: dict[tuple[str, int], list[Round]] = {}
    for each in rounds:
        groups.setdefault((each.kind, each.buyers), []).append(each)
    drawn = [
        f'<text x="{_LEFT}" y="22" font-weight="bold">Orders (hold + order) a second</text>',
        _key(_LEFT, "product", "through HTTP and the product"),
        _key(_LEFT + 200, "botocore", "bare: botocore"),
        _key(_LEFT + 320, "lean", "bare: lean"),
        _key(_LEFT + 410, "raw", "bare: raw"),
    ]
    y = _TOP
    for (kind, buyers), group in groups.items():
        drawn.append(f'<text x="{_LEFT - 10}" y="{y + _BAR + 5}" text-anchor="end">{kind}, {buyers} at once</text>')
        for each in sorted(group, key=lambda one: _ORDER.index(one.way)):
            width = max(1.0, each.per_second * scale)
            drawn.append(
                f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{_COLOURS[each.way]}"/>'
                f'<text x="{_LEFT + width + 6:.1f}" y="{y + _BAR - 4}">{each.per_second:.0f}</text>'
            )
            y += _BAR
        y += _GAP
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}" '
        f'font-family="sans-serif" font-size="12" fill="#1c2430">\n'
        f'<rect width="{_WIDTH}" height="{y}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _key(x: int, way: str, text: str) -> str:
    return (
        f'<rect x="{x}" y="32" width="12" height="12" fill="{_COLOURS[way]}"/><text x="{x + 18}" y="42">{text}</text>'
    )
