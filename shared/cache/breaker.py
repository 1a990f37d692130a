"""The circuit breaker: after some failures in a row nobody waits for the dead part; one call asks now and then."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable


class Breaker:
    """Closed lets every call through; open lets none; when its pause is over, one call is the trial.

    `failures_max` failures in a row open it for `pause_seconds`, doubled after each failed trial up to
    `pause_seconds_max`, and jittered so that the processes of a fleet do not all try at the same moment.
    """

    def __init__(
        self,
        failures_max: int = 3,
        pause_seconds: float = 0.5,
        pause_seconds_max: float = 8.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures_max = failures_max
        self._pause_first = pause_seconds
        self._pause_max = pause_seconds_max
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = pause_seconds
        self._open_until: float | None = None
        self._on_trial = False

    @property
    def is_open(self) -> bool:
        """Whether calls are being turned away."""
        return self._open_until is not None

    def allows(self) -> bool:
        """Whether this call may go through. True while open means: this call is the trial, and must report."""
        if self._open_until is None:
            return True
        with self._lock:
            now = self._monotonic()
            open_until = self._open_until
            if open_until is not None and now < open_until:
                return False
            if open_until is not None:
                # Nobody else tries while this one is at it; and should it never report, the next one may.
                self._open_until = now + self._pause
                self._on_trial = True
            return True

    def succeeded(self) -> None:
        """A call came back: everything is well."""
        if self._failures or self._open_until is not None:
            with self._lock:
                self._failures = 0
                self._on_trial = False
                self._pause = self._pause_first
                self._open_until = None

    def failed(self) -> None:
        """A call found nobody."""
        with self._lock:
            self._failures += 1
            if self._on_trial:
                self._on_trial = False
                self._pause = min(self._pause * 2, self._pause_max)
            elif self._open_until is not None or self._failures < self._failures_max:
                # Calls that were under way when it opened tell nothing new.
                return
            self._open_until = self._monotonic() + self._pause * random.uniform(0.75, 1.25)
