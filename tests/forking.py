"""Processes that tests start by the dozen: forked from one that has imported the product already.

A process of its own imports the eight services for a second and a half; a forked one is there at once, and shares
nothing with the test but what it is given. It has the environment of the first one that was forked in this run.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

_IMPORTED = ["tests.saga.process", "tests.fault.linearizability.buyers"]


def forking() -> ForkServerContext:
    """Where processes, barriers and shared values come from."""
    context = multiprocessing.get_context("forkserver")
    # Heard once, when the first process is started.
    context.set_forkserver_preload(_IMPORTED)
    return context
