"""What the table's stream says of blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.reservations.repository import BlockChange, block_change
from shared.data.plain import from_item


def changes_of(event: Mapping[str, Any]) -> Iterator[BlockChange]:
    """The changes of blocks in a batch of stream records, in order; other rows and removals are passed over."""
    for record in event.get("Records", ()):
        images = record.get("dynamodb", {})
        if "NewImage" in images:
            change = block_change(from_item(images.get("OldImage", {})), from_item(images["NewImage"]))
            if change is not None:
                yield change
