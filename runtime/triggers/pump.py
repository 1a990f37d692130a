"""All triggers of some services: pumped by hand until nothing is left, or run on threads until told to stop."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import Chalice

from runtime.triggers.checkpoints import Checkpoints
from runtime.triggers.queues import QueuePoller, sqs_client
from runtime.triggers.schedules import Schedule
from runtime.triggers.sources import QueueSource, ScheduleSource, StreamSource, TriggerError, load_app, sources_of
from runtime.triggers.streams import StreamPoller, streams_client
from shared.telemetry import log

Poller = QueuePoller | StreamPoller

# Streams are asked every 50 ms while anything happens anywhere, since one message brings the next; else twice a second.
_BUSY_SECONDS, _IDLE_SECONDS = 0.05, 0.5
_STAYS_BUSY_SECONDS = 5.0
_LONG_POLL_SECONDS = 2
_TROUBLE_SECONDS_MAX = 5.0


@dataclass
class Delivered:
    """What a drain did: records handed over and how many of those failed; `idle` says that nothing was left to do."""

    records: int = 0
    failed: int = 0
    idle: bool = False


@dataclass
class Progress:
    """What one source has had since the start."""

    records: int = 0
    failed: int = 0
    trouble: str | None = None


class Triggers:
    """The triggers of these services.

    Services are given by name (their apps are loaded by path) or as a mapping of name to app. `checkpoints` is the file
    that remembers how far streams were read; without one it is forgotten with the object. `retry_seconds` replaces the
    queues' visibility time-outs and the pauses between tries, for tests. Raises TriggerError for a queue that does not
    exist or a trigger that cannot be delivered. `from_now` leaves out what the streams hold already and no checkpoint
    speaks of; the first poll says when that was.
    """

    def __init__(
        self,
        services: Sequence[str] | Mapping[str, Chalice],
        *,
        checkpoints: Path | None = None,
        from_now: bool = False,
        retry_seconds: int | None = None,
        stage: str | None = None,
        resource_prefix: str | None = None,
    ) -> None:
        apps = services if isinstance(services, Mapping) else {service: load_app(service) for service in services}
        stage = stage or os.environ.get("STAGE", "dev")
        resource_prefix = resource_prefix or os.environ.get("RESOURCE_PREFIX", f"stagedoor-{stage}")
        region = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
        sqs, streams = sqs_client(), streams_client()
        self._checkpoints = Checkpoints(checkpoints)
        self._retry_seconds = retry_seconds
        self.pollers: list[Poller] = []
        self.schedules: list[Schedule] = []
        for source in sources_of(apps, stage, resource_prefix):
            if isinstance(source, QueueSource):
                self.pollers.append(QueuePoller(source, sqs, region, retry_seconds))
            elif isinstance(source, StreamSource):
                source = replace(source, starting_position="LATEST") if from_now else source
                self.pollers.append(StreamPoller(source, streams, sqs, self._checkpoints, region, retry_seconds))
            elif isinstance(source, ScheduleSource):
                self.schedules.append(Schedule(source, region, datetime.now(UTC)))
        # Streams first: what a relay publishes is then consumed in the same pass.
        self.pollers.sort(key=lambda poller: isinstance(poller, QueuePoller))
        self.progress: dict[str, Progress] = {each.name: Progress() for each in (*self.pollers, *self.schedules)}
        self._counting = threading.Lock()
        self._busy_until = 0.0

    def close(self) -> None:
        """Closes the checkpoints' file."""
        self._checkpoints.close()

    def poller(self, full_name: str) -> Poller:
        """The poller of a queue or stream by its function: `orders.relay`."""
        for each in self.pollers:
            if each.source.function.full_name == full_name:
                return each
        raise TriggerError(f"no queue or stream triggers {full_name}")

    def schedule(self, full_name: str) -> Schedule:
        """The schedule of a function: `accounts.tidy`."""
        for each in self.schedules:
            if each.source.function.full_name == full_name:
                return each
        raise TriggerError(f"no schedule triggers {full_name}")

    def poll_once(self, full_name: str) -> tuple[int, int]:
        """One batch of a function's queue or stream: records handed over, and how many of them failed."""
        return self.poller(full_name).poll_once()

    def drain(self, seconds: float = 30.0, quiet_seconds: float = 0.1) -> Delivered:
        """Pumps every stream and queue, one after the other in the same order, until nothing has come for
        `quiet_seconds`; gives up after `seconds`.

        With `retry_seconds`, messages that failed, or that a killed process had received, are waited for until they are
        consumed or dead; without, they are left to their visibility time-out. Schedules do not run by themselves here.
        """
        delivered = Delivered()
        gives_up_at = time.monotonic() + seconds
        quiet_since: float | None = None
        while time.monotonic() < gives_up_at:
            records = 0
            for poller in self.pollers:
                some, failed = poller.poll_once()
                records += some
                delivered.failed += failed
            delivered.records += records
            if records or any(isinstance(each, StreamPoller) and each.unfinished for each in self.pollers):
                quiet_since = None
                continue
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since >= quiet_seconds and not self._awaits_messages():
                delivered.idle = True
                return delivered
            time.sleep(min(0.02, quiet_seconds))
        return delivered

    def _awaits_messages(self) -> bool:
        if self._retry_seconds is None:
            return False
        return any(isinstance(each, QueuePoller) and each.count() for each in self.pollers)

    def run(self, stop: threading.Event, *, concurrency: int = 2, on_tick: Callable[[], None] | None = None) -> None:
        """Runs everything on threads until `stop` is set, then lets each finish the batch it has.

        Each queue has `concurrency` consumers, or fewer where its mapping says so. `on_tick` is called every second.
        """
        threads = [
            threading.Thread(target=self._keep_polling, args=(poller, stop), name=poller.name, daemon=True)
            for poller in self.pollers
            for _ in range(_consumers(poller, concurrency))
        ]
        for thread in threads:
            thread.start()
        while not stop.wait(1.0):
            for schedule in self.schedules:
                self._count(schedule.name, *schedule.poll_once(datetime.now(UTC)))
            if on_tick is not None:
                on_tick()
        for thread in threads:
            thread.join()

    def _keep_polling(self, poller: Poller, stop: threading.Event) -> None:
        trouble_seconds = 0.0
        while not stop.is_set():
            try:
                if isinstance(poller, QueuePoller):
                    records, failed = poller.poll_once(wait_seconds=_LONG_POLL_SECONDS)
                else:
                    records, failed = poller.poll_once()
            except (ClientError, BotoCoreError, TriggerError, OSError) as error:
                trouble_seconds = min(max(0.2, trouble_seconds * 2), _TROUBLE_SECONDS_MAX)
                self._in_trouble(poller, error)
                stop.wait(trouble_seconds)
                continue
            trouble_seconds = 0.0
            self._count(poller.name, records, failed)
            if isinstance(poller, StreamPoller) and not records:
                stop.wait(_BUSY_SECONDS if time.monotonic() < self._busy_until else _IDLE_SECONDS)

    def _in_trouble(self, poller: Poller, error: Exception) -> None:
        progress = self.progress[poller.name]
        if progress.trouble is None:
            log("trigger_in_trouble", level="WARNING", source=poller.name, error=error)
        progress.trouble = f"{type(error).__name__}: {error}"

    def _count(self, name: str, records: int, failed: int) -> None:
        if records:
            self._busy_until = time.monotonic() + _STAYS_BUSY_SECONDS
        with self._counting:
            progress = self.progress[name]
            progress.records += records
            progress.failed += failed
            if progress.trouble is not None:
                log("trigger_out_of_trouble", source=name)
                progress.trouble = None


def _consumers(poller: Poller, concurrency: int) -> int:
    if not isinstance(poller, QueuePoller):
        return 1
    limits = (concurrency, poller.source.concurrency_max, poller.source.mapping.concurrency_max)
    return max(1, min(limit for limit in limits if limit is not None))
