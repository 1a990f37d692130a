"""Messages between services: announced in rows, published by relays, handled by consumers, sent again on demand.

What needs the tables or AWS is loaded on first use: contracts are made of `Message` alone and stay pure and cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from shared.messaging.message import Claim, Envelope, Message, message_id

if TYPE_CHECKING:
    from shared.messaging.consumer import Consumer, Undecodable, decode_envelope, decode_message
    from shared.messaging.inbox import already_received, inbox_row
    from shared.messaging.publishing import PublishFailed, publish
    from shared.messaging.relay import Relay, UnknownType
    from shared.messaging.replay import Redriven, Republished, redrive, republish

_HOMES = {
    "Consumer": "consumer",
    "PublishFailed": "publishing",
    "Redriven": "replay",
    "Relay": "relay",
    "Republished": "replay",
    "Undecodable": "consumer",
    "UnknownType": "relay",
    "already_received": "inbox",
    "decode_envelope": "consumer",
    "decode_message": "consumer",
    "inbox_row": "inbox",
    "publish": "publishing",
    "redrive": "replay",
    "republish": "replay",
}

__all__ = [
    "Claim",
    "Consumer",
    "Envelope",
    "Message",
    "PublishFailed",
    "Redriven",
    "Relay",
    "Republished",
    "Undecodable",
    "UnknownType",
    "already_received",
    "decode_envelope",
    "decode_message",
    "inbox_row",
    "message_id",
    "publish",
    "redrive",
    "republish",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
