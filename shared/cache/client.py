"""redis-py with one connection a client, and nothing between a command and that connection.

redis-py's own way takes a connection out of a pool for every command, looks whether it still stands, counts metrics and
prepares retries; for a command that Redis answers in 50 µs this is most of the CPU time. Packing, parsing, connecting
and its errors stay redis-py's. It costs 130 ms to import, so this module is imported when Redis is first used.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from shared.cache.script import UNANSWERED

# A server may end what lies idle, or have been restarted: after so long, a look comes before the next command.
LOOKED_AT_SECONDS: Final = 0.5


class _Connection(redis.Connection):
    """A connection whose waits the system itself ends: Python's time-outs take a second system call for each piece."""

    def _connect(self) -> socket.socket:
        line: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        seconds = float(self.socket_timeout or 0)
        limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        line.settimeout(None)
        return line


class Client(redis.Redis):
    """A client for one thread at a time. Its one connection is made with it, and made anew after it broke."""

    used_at = 0.0
    # What was sent and not waited for: the same script in full, for a server that does not know its hash.
    _unread: tuple[Any, ...] | None = None

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """Sends a command once and reads its answer; a connection that breaks meanwhile is not tried again."""
        connection: Any = self.connection
        connection.send_command(*arguments)
        return self.parse_response(connection, arguments[0], **options)  # type: ignore[no-untyped-call]

    def send_script(self, sha: str, lua: str, *arguments: Any) -> object:
        """Sends a script without waiting for what comes of it; `settle` must come before anything else is sent."""
        connection: Any = self.connection
        connection.send_command("EVALSHA", sha, *arguments)
        self._unread = ("EVAL", lua, *arguments)
        return UNANSWERED

    def settle(self) -> None:
        """Reads the answer to `send_script`, where there is one to read, and sends the script whole if need be.

        A connection that breaks over it is dropped: the caller is none of those whom the script concerns. Raises
        TimeoutError when nothing comes, as nothing will for the caller, and ResponseError for what Redis says against
        the script.
        """
        if self._unread is None:
            return
        again, self._unread = self._unread, None
        try:
            try:
                self.parse_response(self.connection, "EVALSHA")  # type: ignore[no-untyped-call]
            except NoScriptError:
                self.execute_command(*again)
        except redis.TimeoutError:
            self.connection.disconnect()  # type: ignore[union-attr]
            raise
        except (redis.ConnectionError, OSError):
            self.connection.disconnect()  # type: ignore[union-attr]

    def look(self) -> None:
        """Drops the connection if its server did, or if something came that nobody asked for."""
        connection: Any = self.connection
        if time.monotonic() - self.used_at < LOOKED_AT_SECONDS or not connection.is_connected:
            return
        try:
            broken = connection.can_read(0)
        except redis.ConnectionError:
            broken = True
        if broken:
            connection.disconnect()


def connect(url: str, timeout_seconds: float) -> Client:
    """A client whose every wait has that limit. Raises redis-py's ConnectionError or TimeoutError."""
    # Below TLS one read may be several, which Python has to watch over.
    chosen: dict[str, Any] = {"connection_class": _Connection} if url.startswith("redis://") else {}
    client: Client = Client.from_url(  # type: ignore[assignment]
        url,
        **chosen,
        single_connection_client=True,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        # No second tries: the breaker decides, and a script must not run twice unknown to its caller.
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )
    return client
