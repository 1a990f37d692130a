"""Kept connections to one server, and the little of HTTP/1.1 that DynamoDB speaks over them.

http.client reads a head with the parser for e-mail and takes three times as long for it as DynamoDB's answer takes to
decode. This reads the same answers: with a length, in chunks or up to the end of the connection. What is not exactly
HTTP is no answer: the connection is closed and the request counts as lost, for whoever sent it knows what that means.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from collections import deque
from typing import Final, NamedTuple

# Far above the 16 MB DynamoDB ever sends at once.
BODY_BYTES_MAX: Final = 64 * 2**20
HEAD_BYTES_MAX: Final = 65_536
# A server may close what lies idle; a connection unused for so long is looked at before it is used again.
LOOKED_AT_SECONDS: Final = 0.5
IDLE_SECONDS_MAX: Final = 60.0

# An answer about one row fits in; more at once would have the system clear pages for nothing.
_RECEIVED_BYTES: Final = 8_192
_RECEIVED_BYTES_MAX: Final = 262_144
_END_OF_HEAD: Final = b"\r\n\r\n"


class Malformed(Exception):
    """What came is not HTTP as a server speaks it, or ends early."""


class Reply(NamedTuple):
    """An answer: its status, its headers (names in lower case; the last of several), and its body as it was meant."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Connections:
    """The connections of one process to one address; several threads may use them, each connection one at a time."""

    def __init__(self, host: str, port: int, *, safe: bool, kept_max: int) -> None:
        self._host = host
        self._port = port
        self._context = ssl.create_default_context() if safe else None
        # The one used last is taken first, so that those too many lie idle and are closed.
        self._idle: deque[_Connection] = deque()
        self._kept_max = kept_max
        self.opened = 0

    def exchange(self, request: bytes, connect_seconds: float, read_seconds: float) -> Reply:
        """Send a whole request and read its answer; nothing is sent twice.

        `read_seconds` is what every wait for the other side may take. Raises OSError (TimeoutError and ssl.SSLError
        among it) and Malformed, after any of which it is not known whether the request was acted upon.
        """
        connection = self._taken() or self._new(connect_seconds)
        try:
            reply, may_be_kept = connection.exchange(request, read_seconds)
        except BlockingIOError as waited:
            connection.close()
            raise TimeoutError("no answer in time") from waited
        except BaseException:
            connection.close()
            raise
        if may_be_kept and len(self._idle) < self._kept_max:
            connection.used_at = time.monotonic()
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def _taken(self) -> _Connection | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            idle_seconds = time.monotonic() - connection.used_at
            if idle_seconds < LOOKED_AT_SECONDS or (idle_seconds < IDLE_SECONDS_MAX and connection.is_silent()):
                return connection
            connection.close()

    def _new(self, seconds: float) -> _Connection:
        self.opened += 1
        line = socket.create_connection((self._host, self._port), seconds)
        try:
            # A request is one piece, so nothing is gained by waiting for more to send.
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                return _Connection(line)
            return _SafeConnection(self._context.wrap_socket(line, server_hostname=self._host))
        except BaseException:
            line.close()
            raise


class _Connection:
    """One connection, and what was received beyond the answer that was read last."""

    __slots__ = ("_received", "_seconds", "_socket", "used_at")

    def __init__(self, line: socket.socket) -> None:
        self._socket = line
        self._received = b""
        self._seconds = 0.0
        self.used_at = 0.0
        self._let_wait()

    def exchange(self, request: bytes, seconds: float) -> tuple[Reply, bool]:
        """The answer to a request, and whether the connection is good for another one."""
        if seconds != self._seconds:
            self._wait_at_most(seconds)
            self._seconds = seconds
        self._socket.sendall(request)
        status, headers, keeps = self._head()
        while 100 <= status < 200:
            # News on the way to the answer, such as "go on".
            status, headers, keeps = self._head()
        length = headers.get(b"content-length")
        if b"transfer-encoding" in headers:
            if length is not None or headers[b"transfer-encoding"].lower() != b"chunked":
                raise Malformed("an answer whose length is said in two ways, or in one not known")
            body = self._chunks()
        elif status in (204, 304):
            body = b""
        elif length is not None:
            body = self._exactly(_size(length, 10))
        else:
            body, keeps = self._rest(), False
        # An answer nobody asked for makes whatever comes next somebody else's.
        return Reply(status, headers, body), keeps and not self._received

    def is_silent(self) -> bool:
        """Whether nothing came while nobody asked: neither the end of the connection nor anything else."""
        self._socket.settimeout(0)
        try:
            self._peek()
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        else:
            return False
        finally:
            self._seconds = 0.0
            self._let_wait()

    def close(self) -> None:
        """Closes it."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def __del__(self) -> None:
        # Nobody says goodbye to what is kept for the next request: the address changes, or the process ends.
        self.close()

    def _peek(self) -> None:
        self._socket.recv(1, socket.MSG_PEEK)

    def _let_wait(self) -> None:
        """Lets the system itself end a wait: Python's own time-outs take a second system call for each piece."""
        self._socket.settimeout(None)

    def _wait_at_most(self, seconds: float) -> None:
        whole = int(seconds)
        # Nothing at all would mean for ever.
        limit = struct.pack("ll", whole, max(1, int((seconds - whole) * 1_000_000)))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def _head(self) -> tuple[int, dict[bytes, bytes], bool]:
        received = self._received
        while (end := received.find(_END_OF_HEAD)) < 0:
            if len(received) > HEAD_BYTES_MAX:
                raise Malformed("a head without an end")
            received += self._more()
        self._received = received[end + 4 :]
        first, *lines = received[:end].split(b"\r\n")
        if not first.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")) or not first[9:12].isdigit() or first[12:13].strip():
            raise Malformed("an answer that does not begin as one")
        headers: dict[bytes, bytes] = {}
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon or not name or name != name.strip():
                raise Malformed("a line of the head that is no header")
            name = name.lower()
            value = value.strip()
            if name == b"content-length" and headers.get(name, value) != value:
                raise Malformed("an answer of two lengths")
            headers[name] = value
        said = headers.get(b"connection")
        if said is not None:
            said = said.lower()
        keeps = said != b"close" if first[7:8] == b"1" else said == b"keep-alive"
        return int(first[9:12]), headers, keeps

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := _size(self._line().partition(b";")[0].strip(), 16):
            if len(body) + size > BODY_BYTES_MAX:
                raise Malformed("an answer of more bytes than there can be")
            body += self._exactly(size)
            if self._line():
                raise Malformed("a chunk that is longer than it says")
        # Headers may follow the last chunk; none of them is of any use here.
        while self._line():
            pass
        return bytes(body)

    def _line(self) -> bytes:
        while (end := self._received.find(b"\r\n")) < 0:
            if len(self._received) > HEAD_BYTES_MAX:
                raise Malformed("a line without an end")
            self._received += self._more()
        line, self._received = self._received[:end], self._received[end + 2 :]
        return line

    def _exactly(self, size: int) -> bytes:
        if size > BODY_BYTES_MAX:
            raise Malformed("an answer of more bytes than there can be")
        received = self._received
        if len(received) < size:
            pieces = [received]
            missing = size - len(received)
            while missing > 0:
                piece = self._more(min(missing, _RECEIVED_BYTES_MAX))
                pieces.append(piece)
                missing -= len(piece)
            received = b"".join(pieces)
        self._received = received[size:]
        return received[:size]

    def _rest(self) -> bytes:
        pieces = [self._received]
        size = len(self._received)
        self._received = b""
        while piece := self._socket.recv(_RECEIVED_BYTES_MAX):
            pieces.append(piece)
            size += len(piece)
            if size > BODY_BYTES_MAX:
                raise Malformed("an answer of more bytes than there can be")
        return b"".join(pieces)

    def _more(self, size: int = _RECEIVED_BYTES) -> bytes:
        piece = self._socket.recv(size)
        if not piece:
            raise Malformed("the connection ended before the answer did")
        return piece


class _SafeConnection(_Connection):
    """A connection over TLS, where the library has to wait itself: below one of its reads may lie several pieces."""

    __slots__ = ()

    def _peek(self) -> None:
        self._socket.recv(1)

    def _let_wait(self) -> None:
        """Nothing to prepare: every wait has its limit."""

    def _wait_at_most(self, seconds: float) -> None:
        self._socket.settimeout(seconds)


def _size(digits: bytes, base: int) -> int:
    # int() would take signs, blanks and underscores as well.
    if not digits or len(digits) > 16 or digits.lower().strip(b"0123456789abcdef" if base == 16 else b"0123456789"):
        raise Malformed("a length that is none")
    return int(digits, base)
