"""The application granian calls: answers leave from the threads, and the tasks behind them end soon after."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from runtime.gateway.events import Incoming
from runtime.gateway.options import Options
from runtime.gateway.outgoing import Outgoing
from runtime.gateway.rsgi import Application

SECONDS_MAX = 10.0


class Answering:
    """In place of the gateway: answers at once, or when it is let."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()

    def answer(self, incoming: Incoming) -> Outgoing:
        self.free.wait(SECONDS_MAX)
        return Outgoing(200, [], incoming.path.encode())


class Protocol:
    """One request's way back to the client; `fails` when the client is gone."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.body: bytes | None = None

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        if self.fails:
            raise RuntimeError("the client is gone")
        self.body = body


class Scope:
    method = "GET"
    query_string = ""
    http_version = "1.1"
    client = "127.0.0.1:1"

    def __init__(self, path: str) -> None:
        self.path = path
        self.headers: dict[str, str] = {}


def started(gateway: Answering, loop: asyncio.AbstractEventLoop) -> Application:
    answering: Any = gateway
    application = Application(answering, Options(threads=4))
    application.__rsgi_init__(loop)
    return application


def test_every_task_ends_soon_after_its_answer_and_nothing_wakes_the_loop_afterwards() -> None:
    async def run() -> None:
        application = started(Answering(), asyncio.get_running_loop())
        protocols = [Protocol() for _ in range(50)]
        tasks = [application.__rsgi__(Scope(f"/{number}"), one) for number, one in enumerate(protocols)]
        async with asyncio.timeout(SECONDS_MAX):
            await asyncio.gather(*tasks)
        assert [one.body for one in protocols] == [b"/%d" % number for number in range(50)]
        assert (application._open, len(application._answered), application._waking) == (0, 0, False)

    asyncio.run(run())


def test_the_task_of_a_request_is_kept_until_it_is_answered() -> None:
    async def run() -> None:
        gateway = Answering()
        application = started(gateway, asyncio.get_running_loop())
        gateway.free.clear()
        protocol = Protocol()
        task = asyncio.ensure_future(application.__rsgi__(Scope("/slow"), protocol))
        done, _ = await asyncio.wait([task], timeout=0.2)
        assert (done, protocol.body) == (set(), None)
        gateway.free.set()
        async with asyncio.timeout(SECONDS_MAX):
            await task
        assert protocol.body == b"/slow"

    asyncio.run(run())


def test_a_client_that_is_gone_and_a_task_that_is_cancelled_leave_nothing_behind() -> None:
    async def run() -> None:
        gateway = Answering()
        application = started(gateway, asyncio.get_running_loop())
        async with asyncio.timeout(SECONDS_MAX):
            await application.__rsgi__(Scope("/gone"), Protocol(fails=True))
        gateway.free.clear()
        task = asyncio.ensure_future(application.__rsgi__(Scope("/cancelled"), Protocol()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        gateway.free.set()
        protocol = Protocol()
        async with asyncio.timeout(SECONDS_MAX):
            await application.__rsgi__(Scope("/next"), protocol)
            while application._open:
                await asyncio.sleep(0.01)
        assert protocol.body == b"/next"

    asyncio.run(run())
