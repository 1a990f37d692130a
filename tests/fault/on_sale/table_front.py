"""What stands between the processes and DynamoDB: it refuses requests as a throttled table does, or removes a guard.

It forwards requests as they are, so whatever it lets through is DynamoDB Local's own doing.
"""

from __future__ import annotations

import json
import random
import socket
import threading
from types import TracebackType
from typing import Any, Final

_THROTTLED: Final = {
    "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "message": "The level of configured provisioned throughput for the table was exceeded.",
}
# True of every item, whatever it holds: a condition that is widened by it guards nothing any more.
_MEETING_SECONDS: Final = 1.0
_ALWAYS: Final = "attribute_exists(pk) OR attribute_not_exists(pk)"


class TableFront:
    """A proxy on a port of its own. `throttled_share` of all requests are refused; it may be changed at any time.

    With `unguarded` every condition on a block of places is widened until it holds: the guard against double sales is
    gone, and nothing else. Writes to blocks then wait a moment for another one, so that both have looked before either
    has written, however few races the machine has to offer.
    """

    def __init__(self, upstream_port: int, *, unguarded: bool = False, seed: int = 7) -> None:
        self.throttled_share = 0.0
        self.throttled = self.forwarded = self.widened = 0
        self._upstream_port = upstream_port
        self._unguarded = unguarded
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._meeting = threading.Barrier(2)
        self._server = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.getsockname()[1])

    def __enter__(self) -> TableFront:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Closing alone would leave the accepting thread waiting.
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        with self._lock:
            left = list(self._connections)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        upstream = socket.create_connection(("127.0.0.1", self._upstream_port), 10)
        with self._lock:
            self._connections |= {client, upstream}
        for connection in (client, upstream):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with client, upstream:
                coming, going = client.makefile("rb"), upstream.makefile("rb")
                with coming, going:
                    while (request := _message(coming)) is not None:
                        if self._refuses():
                            client.sendall(_refusal())
                            continue
                        upstream.sendall(self._unguard(*request))
                        answer = _message(going)
                        if answer is None:
                            return
                        client.sendall(b"".join(answer))
        except OSError:
            # One of the two was killed, which is what this is for.
            return
        finally:
            with self._lock:
                self._connections -= {client, upstream}

    def _refuses(self) -> bool:
        with self._lock:
            refuses = self._random.random() < self.throttled_share
            self.throttled += refuses
            self.forwarded += not refuses
        return refuses

    def _meet(self) -> None:
        try:
            self._meeting.wait(_MEETING_SECONDS)
        except threading.BrokenBarrierError:
            # Nobody else came.
            self._meeting.reset()

    def _unguard(self, head: bytes, body: bytes) -> bytes:
        if not self._unguarded or b"ConditionExpression" not in body:
            return head + body
        request = json.loads(body)
        entries = request.get("TransactItems")
        writes: list[dict[str, Any]] = [request] if entries is None else [entry.get("Update", {}) for entry in entries]
        for write in writes:
            if write.get("Key", {}).get("pk", {}).get("S", "").startswith("block#"):
                write["ConditionExpression"] += f" OR {_ALWAYS}"
                self.widened += 1
                self._meet()
        rewritten = json.dumps(request).encode()
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
        return b"\r\n".join([lines[0], b"Content-Length: %d" % len(rewritten), *lines[1:]]) + rewritten


def _message(stream: Any) -> tuple[bytes, bytes] | None:
    """Head and body of one request or answer; None when the other side has closed."""
    lines: list[bytes] = []
    length = 0
    while True:
        line = stream.readline()
        if not line:
            return None
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines), stream.read(length)
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)


def _refusal() -> bytes:
    body = json.dumps(_THROTTLED).encode()
    head = (
        f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
