"""The gateway on granian, through its RSGI interface.

Bodies are read on the event loop, with a limit on their size and on the time they take, so that slow clients hold a
connection and nothing else; the services, which are synchronous, run on a fixed set of threads. granian's WSGI
interface would lend a thread to every client that is slow to send its body, for as long as it likes.
"""

import asyncio
import os
import signal
import threading
import time
from collections import deque
from typing import Any

from runtime.gateway.dispatch import Gateway
from runtime.gateway.events import Incoming
from runtime.gateway.options import Options, passed_on
from runtime.gateway.outgoing import Outgoing, from_problem
from runtime.gateway.services import load_services
from runtime.gateway.threads import Threads
from shared import telemetry
from shared.http.problems import BadRequest, BodyTooLarge, Problem, Unavailable

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
PARENT_LOOKED_AT_SECONDS = 0.5
SETTLED_SECONDS = 0.05

Job = tuple[Any, Incoming, "asyncio.Future[None]"]


class Application:
    """The application granian runs in each worker process."""

    def __init__(self, gateway: Gateway, options: Options) -> None:
        self._gateway = gateway
        self._options = options
        self._threads: Threads[Job] | None = None
        self._answered: deque[asyncio.Future[None]] = deque()
        # Requests handed over whose tasks are not ended yet; these two are the loop's alone.
        self._open = 0
        self._waking = False

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts the threads; granian calls it once, before the first request."""
        self._threads = Threads(self._options.threads, self._answer)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Reads one request, has it answered on a thread, and waits for that."""
        threads = self._threads
        assert threads is not None, "granian calls __rsgi_init__ first"
        if threads.waiting >= self._options.waiting_max:
            _send(protocol, _refusal(Unavailable("Too many requests are waiting.", retry_after=1)))
            return
        try:
            body = await self._body(scope, protocol)
        except Problem as problem:
            # What is left of the body is not read, so the connection cannot be used again.
            _send(protocol, _refusal(problem, close=True))
            return
        incoming = Incoming(
            method=scope.method,
            path=scope.path,
            query=scope.query_string,
            headers=list(scope.headers.items()),
            body=body,
            source_ip=self._source_ip(scope),
            protocol=f"HTTP/{scope.http_version}",
        )
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[None] = loop.create_future()
        threads.give((protocol, incoming, answered))
        self._open += 1
        self._settle(loop)
        await answered

    def _answer(self, job: Job) -> None:
        protocol, incoming, answered = job
        try:
            _send(protocol, self._gateway.answer(incoming))
        except Exception as error:  # a thread that ends would never be missed until all are gone
            telemetry.log("answer_not_sent", level="ERROR", error=error)
        finally:
            self._answered.append(answered)

    def _settle(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ends the tasks of requests that were answered, now and again soon.

        The client has its answer by then, so that nobody waits for this; to wake the loop for each of them would cost
        as much as to hand the request over.
        """
        while self._answered:
            answered = self._answered.popleft()
            self._open -= 1
            if not answered.done():
                answered.set_result(None)
        if self._open and not self._waking:
            self._waking = True
            loop.call_later(SETTLED_SECONDS, self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        self._waking = False
        self._settle(loop)

    async def _body(self, scope: Any, protocol: Any) -> bytes:
        declared = scope.headers.get("content-length")
        chunked = scope.headers.get("transfer-encoding") is not None
        if declared is None and (scope.method in _BODILESS or not chunked):
            return b""
        if declared is not None and int(declared) > self._options.body_bytes_max:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._options.body_seconds_max):
                # Where a length alone says how far the body goes, the server reads no further, and all of it in one
                # turn of the loop. Chunks go as far as they like, whatever length stands beside them.
                body = await (self._undeclared(protocol) if chunked else protocol())
        except TimeoutError as error:
            raise BadRequest(
                "The body did not arrive in time.", slug="request-timeout", title="The request was too slow", status=408
            ) from error
        if declared is not None and len(body) != int(declared):
            raise BadRequest("The body ended early.")
        return bytes(body)

    async def _undeclared(self, protocol: Any) -> bytearray:
        body = bytearray()
        async for chunk in protocol:
            body += chunk
            if len(body) > self._options.body_bytes_max:
                raise self._too_large()
        return body

    def _too_large(self) -> BodyTooLarge:
        limit = self._options.body_bytes_max
        return BodyTooLarge(f"The body may have {limit} bytes at most.", bytes_max=limit)

    def _source_ip(self, scope: Any) -> str:
        hops = self._options.trusted_hops
        if hops > 0:
            seen = (scope.headers.get("x-forwarded-for") or "").split(",")
            if len(seen) >= hops and seen[-hops].strip():
                return seen[-hops].strip()
        client: str = scope.client
        return client.rpartition(":")[0].strip("[]")


def _send(protocol: Any, outgoing: Outgoing) -> None:
    protocol.response_bytes(outgoing.status, outgoing.headers, outgoing.body)


def _refusal(problem: Problem, *, close: bool = False) -> Outgoing:
    trace = telemetry.new_trace()
    with telemetry.traced(trace):
        telemetry.log("request_refused", level="WARNING", status=problem.status, problem=problem.slug)
    return from_problem(problem, trace, close=close)


def _follow_parent(parent: int) -> None:
    """Ends this worker when the process that started it is gone, even by SIGKILL: nobody else would end it."""
    while os.getppid() == parent:
        time.sleep(PARENT_LOOKED_AT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def application() -> Application:
    """The application of a worker process, with all services loaded."""
    options = passed_on()
    if options.parent:
        threading.Thread(target=_follow_parent, args=(options.parent,), name="follow-parent", daemon=True).start()
    return Application(Gateway(load_services(options.services), options), options)
