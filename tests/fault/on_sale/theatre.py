"""A Stagedoor of real processes with tables, queues, Redis and payment company of its own; its parts can be killed."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import urllib3

from contracts.catalog import EventPublished, Pool, TicketType, Venue
from runtime.parts import Part, Process, free_port
from runtime.parts.embedded import redis
from runtime.provisioning import ROOT, provision
from runtime.supervisor import answers_ok
from shared.ids import new_id
from shared.messaging import publish
from shared.money import Money
from tests.fault.on_sale.table_front import TableFront

PRICE: Final = Money(4500, "USD")
READY_SECONDS_MAX: Final = 60.0
# Short, so that what a killed process had received comes again within the test; and longer than ten orders' tickets
# take on a busy machine, or each batch would come again while it is still being handled.
VISIBILITY_SECONDS: Final = 12
TABLES: Final = ("reservations", "orders", "payments", "tickets")


class Theatre:
    """All processes of one on-sale. Whatever is started here is stopped by `stop`, and by guardians at the latest."""

    def __init__(self, folder: Path, *, workers: int, with_redis: bool = True, unguarded: bool = False) -> None:
        self.folder = folder
        self.prefix = f"sale-{secrets.token_hex(4)}"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.company_address = f"http://127.0.0.1:{free_port()}"
        self.names: dict[str, str] = {}
        self.killed: list[str] = []
        self._workers = workers
        self._upstream = urlsplit(os.environ["AWS_ENDPOINT_URL_DYNAMODB"]).port or 0
        self.front = TableFront(self._upstream, unguarded=unguarded)
        self._redis: Part | None = redis(folder, free_port()) if with_redis else None
        self._processes: dict[str, Process] = {}
        self._workers_seen: list[int] = []
        self._environment: dict[str, str] = {}
        self._http = urllib3.PoolManager(retries=False, timeout=10.0)

    def start(self) -> None:
        """Brings everything up. Raises PartFailed."""
        self.names = provision("test", self.prefix, mail_from=os.environ["MAIL_FROM"]).environment
        self._shorten_visibility()
        self.front.__enter__()
        self._environment = {
            **os.environ,
            **self.names,
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{self.front.port}",
            "REDIS_URL": self._redis.variables["REDIS_URL"] if self._redis else "",
            "PUBLIC_URL": self.address,
            "TEST_PROVIDER_URL": self.company_address,
            "DATABASE_URL": f"sqlite:///{self.folder / 'reporting.sqlite3'}",
            "LOG_LEVEL": "WARNING",
            # As everywhere but in tests. These buyers are programs; one that hears 429 comes again.
            "THROTTLING_ENABLED": "1",
        }
        if self._redis:
            self._redis.process.start()
            self._redis.process.wait_until(self._redis.ready, 10.0)
        else:
            del self._environment["REDIS_URL"]
        port = self.company_address.rpartition(":")[2]
        books = ("--state", str(self.folder), "--webhook-url", f"{self.address}/v1/webhooks/test")
        self._start("payment_company", "--port", port, *books)
        self._start_triggers()
        self._start("gateway", "--port", str(self.port), "--workers", str(self._workers))
        self._processes["payment_company"].wait_until(
            lambda: answers_ok(f"{self.company_address}/health"), READY_SECONDS_MAX
        )
        self._processes["triggers"].wait_until((self.folder / "triggers.json").exists, READY_SECONDS_MAX)
        self._processes["gateway"].wait_until(lambda: answers_ok(f"{self.address}/health"), READY_SECONDS_MAX)

    def stop(self) -> None:
        """Stops everything and forgets the tables, which nobody needs any more."""
        parts = [self._redis.process] if self._redis else []
        for process in [*self._processes.values(), *parts]:
            process.ask_to_stop()
        for process in [*self._processes.values(), *parts]:
            process.stop()
        self.front.__exit__(None, None, None)
        dynamodb = boto3.client("dynamodb")
        for name, value in self.names.items():
            if name.endswith("_TABLE_NAME"):
                dynamodb.delete_table(TableName=value)

    def publish(self, capacity: int, hold_seconds: int) -> EventPublished:
        """Puts an event with one general pool on sale, as catalog would, and waits until it can be bought."""
        event_id, pool_id = new_id("evt"), new_id("pol")
        event = EventPublished(
            event_id=event_id,
            version=1,
            organiser_id=new_id("org"),
            organiser_name="Fault Concerts",
            name="An Evening of Faults",
            starts_at=datetime.now(UTC).replace(microsecond=0) + timedelta(days=30),
            time_zone="America/New_York",
            venue=Venue(venue_id=new_id("ven"), name="Fault Hall", city="New York"),
            currency="USD",
            hold_seconds=hold_seconds,
            places_per_order_max=10,
            pools=(Pool(pool_id=pool_id, kind="general", name="All", capacity=capacity),),
            ticket_types=(TicketType(ticket_type_id=new_id("tty"), name="Standard", price=PRICE, pool_id=pool_id),),
        )
        publish(self.names["CATALOG_TOPIC_ARN"], "catalog", event_id, event, f"event#{event_id}|1|event")
        address = f"{self.address}/v1/availability/{event_id}"
        self._wait_for("the event's being on sale", lambda: self._http.request("GET", address).status == 200)
        return event

    def kill_redis(self) -> None:
        """Redis is gone, as after a power cut."""
        assert self._redis is not None
        self._redis.process.kill()
        self._redis.process.stop()
        self.killed.append("Redis")

    def start_redis(self) -> None:
        """Redis is back, and knows nothing."""
        assert self._redis is not None
        self._redis.process.start()
        self._redis.process.wait_until(self._redis.ready, 10.0)

    def kill_consumers(self) -> None:
        """All relays and consumers die, with whatever they had in hand."""
        self._processes["triggers"].kill()
        self._processes["triggers"].stop()
        self.killed.append("triggers")

    def start_consumers(self) -> None:
        """They carry on from their checkpoints."""
        self._start_triggers()
        self._processes["triggers"].wait_until((self.folder / "triggers.json").exists, READY_SECONDS_MAX)

    def kill_oldest_worker(self) -> int:
        """Kills one of the gateway's processes; answers its id. The gateway starts another in its place.

        The oldest, so that they die one after another: one that dies within seconds of its start ends the gateway,
        which takes it for a program that cannot run.
        """
        worker = self.workers()[0]
        os.kill(worker, 9)
        self.killed.append("worker")
        return worker

    def workers(self) -> list[int]:
        """The gateway's processes that answer requests, in the order in which they were first seen here.

        Their ids do not tell who is older: a whole run of the tests uses so many that they begin again at the bottom.
        """
        gateway = json.loads(self._processes["gateway"].record.read_text(encoding="utf-8"))["child"]
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
        rows = [line.split() for line in listed.stdout.splitlines()]
        running = sorted(int(pid) for pid, parent, state in rows if int(parent) == gateway and state[0] != "Z")
        seen = [pid for pid in self._workers_seen if pid in running]
        self._workers_seen = seen + [pid for pid in running if pid not in seen]
        return list(self._workers_seen)

    def charges(self) -> list[dict[str, Any]]:
        """The payment company's own statement."""
        key = {"Authorization": f"Bearer {os.environ['TEST_PROVIDER_API_KEY']}"}
        answer = self._http.request("GET", f"{self.company_address}/charges", headers=key)
        return list(json.loads(answer.data)["items"])

    def messages_left(self) -> dict[str, int]:
        """How many messages lie in each queue, dead letters too; those that are empty are left out."""
        sqs = boto3.client("sqs")
        found = {}
        for url in sqs.list_queues(QueueNamePrefix=self.prefix).get("QueueUrls", []):
            counts = sqs.get_queue_attributes(
                QueueUrl=url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )["Attributes"]
            if number := sum(int(each) for each in counts.values()):
                found[url.rpartition("/")[2].removeprefix(f"{self.prefix}-")] = number
        return found

    def last_words(self) -> str:
        """The ends of the logs, for a failure's message."""
        return "\n".join(process.last_words(8) for process in self._processes.values())

    def _start_triggers(self) -> None:
        sign = self.folder / "triggers.json"
        sign.unlink(missing_ok=True)
        self._start("triggers", "--state", str(self.folder), "--health-file", str(sign))

    def _start(self, name: str, *options: str) -> None:
        command = [sys.executable, "-m", f"runtime.{name}", *options]
        process = self._processes.setdefault(name, Process(name, command, self.folder, self._environment, ROOT))
        process.start()

    def _shorten_visibility(self) -> None:
        sqs = boto3.client("sqs")
        for url in sqs.list_queues(QueueNamePrefix=self.prefix).get("QueueUrls", []):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})

    def _wait_for(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            if ready():
                return
            time.sleep(0.05)
        raise AssertionError(f"{what} did not happen. {self.last_words()}")
