"""One kept HTTP connection, as lean as can be: what the measuring costs is missing to what is measured."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Final

SECONDS_MAX: Final = 15.0
ANSWER_BYTES_MAX: Final = 1_048_576


class AnswerUnreadable(Exception):
    """The other side closed the connection early, or sent what this client does not understand."""


class Connection:
    """A connection to a port of this machine. It is one thread's own, and sends one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), SECONDS_MAX)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Sends a whole request; answers the status and the body. Raises AnswerUnreadable, OSError."""
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more(received)
        head = received[:end].lower()
        start = head.find(b"\r\ncontent-length:")
        if start < 0:
            raise AnswerUnreadable("an answer without a length")
        length = int(head[start + 17 :].split(b"\r\n", 1)[0])
        while len(received) < end + 4 + length:
            received += self._more(received)
        return int(head[9:12]), received[end + 4 : end + 4 + length]

    def close(self) -> None:
        """Closes it."""
        self._socket.close()

    def _more(self, so_far: bytes) -> bytes:
        piece = self._socket.recv(65_536)
        if not piece or len(so_far) > ANSWER_BYTES_MAX:
            raise AnswerUnreadable("the answer ended early, or does not end")
        return piece


def post(port: int, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST as it travels."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
    )
