"""What the table's stream says of blocks and pools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.reservations.repository import BlockChange, block_change, changed_pool
from shared.data.plain import from_item


def changes_of(event: Mapping[str, Any]) -> Iterator[BlockChange]:
    """The changes of blocks in a batch of stream records, in order; other rows and removals are passed over."""
    for old, new in _images(event):
        change = block_change(old, new)
        if change is not None:
            yield change


def changed_pools(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The event and id of each pool that was changed in a batch of stream records."""
    for old, new in _images(event):
        pool = changed_pool(old, new)
        if pool is not None:
            yield pool


def _images(event: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """What rows were and are, as plain data; without those that were removed."""
    for record in event.get("Records", ()):
        images = record.get("dynamodb", {})
        if "NewImage" in images:
            yield from_item(images.get("OldImage", {})), from_item(images["NewImage"])
