"""What this process sends to DynamoDB and Redis, and what it gets back, counted at its sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

_SENDING: Final = ("send", "sendall")
_RECEIVING: Final = ("recv", "recv_into")


class Traffic:
    """Bytes there and back by port, and the commands to Redis; a script is one, whatever it does inside."""

    def __init__(self) -> None:
        self.redis_calls = 0
        self._bytes: dict[int, int] = {}

    def add(self, port: int, number: int) -> None:
        """Counts bytes that went over a connection to a port."""
        self._bytes[port] = self._bytes.get(port, 0) + number

    @property
    def dynamodb_bytes(self) -> int:
        """Bytes to and from DynamoDB, heads of requests and answers included."""
        return self._bytes.get(_port("AWS_ENDPOINT_URL_DYNAMODB"), 0)

    @property
    def redis_bytes(self) -> int:
        """Bytes to and from Redis."""
        return self._bytes.get(_port("REDIS_URL"), 0)


@contextmanager
def traffic() -> Iterator[Traffic]:
    """Counts everything this process sends and receives over TCP until the block ends."""
    from redis.connection import AbstractConnection

    counted = Traffic()
    before = {name: socket.socket.__dict__.get(name) for name in (*_SENDING, *_RECEIVING)}
    send = AbstractConnection.send_packed_command

    def noting(connection: Any, *arguments: Any, **options: Any) -> Any:
        counted.redis_calls += 1
        return send(connection, *arguments, **options)  # type: ignore[no-untyped-call]

    for name in before:
        setattr(socket.socket, name, _counting(name, counted))
    AbstractConnection.send_packed_command = noting  # type: ignore[method-assign, assignment]
    try:
        yield counted
    finally:
        AbstractConnection.send_packed_command = send  # type: ignore[method-assign]
        for name, method in before.items():
            if method is None:
                delattr(socket.socket, name)
            else:
                setattr(socket.socket, name, method)


def _counting(name: str, counted: Traffic) -> Callable[..., Any]:
    original = getattr(socket.socket, name)

    def method(connection: socket.socket, *arguments: Any) -> Any:
        result = original(connection, *arguments)
        if connection.family == socket.AF_INET:
            if name == "recv":
                number = len(result)
            elif name == "sendall":
                number = len(arguments[0])
            else:
                number = int(result)
            with suppress(OSError):  # the other side may have closed it meanwhile
                counted.add(connection.getpeername()[1], number)
        return result

    return method


def _port(variable: str) -> int:
    return urlsplit(os.environ[variable]).port or 0
