"""Delivers queues, streams and schedules to the Chalice handlers, with the semantics of Lambda's event source mappings.

`Triggers` is the way in: the process (`python -m runtime.triggers`) runs it on threads, tests pump it by hand.
"""

from runtime.triggers.pump import Delivered, Triggers
from runtime.triggers.sources import TriggerError

__all__ = ["Delivered", "TriggerError", "Triggers"]
