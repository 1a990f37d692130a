"""HTTP/1.1 as it comes from a server, with every fault: the answer, or none at all, and never another request's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from shared.data import connections
from shared.data.connections import Connections, Malformed, Reply

REQUEST = b"POST / HTTP/1.1\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: a\r\nX-Amz-Crc32: 7\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;name=value\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"
)
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\n\r\nhello"


class Server:
    """Answers each request with the next of its answers, cut as told; None hangs up at once."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.answers: list[list[bytes] | None] = []
        self.closes_after: set[int] = set()
        self.heard = 0
        self.accepted = 0
        self.closed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while line.recv(65_536):
                number, self.heard = self.heard, self.heard + 1
                pieces = self.answers[number]
                if pieces is None:
                    break
                for piece in pieces:
                    line.sendall(piece)
                if number in self.closes_after:
                    break
        self.closed.set()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def to(server: Server, kept_max: int = 4) -> Connections:
    return Connections("127.0.0.1", server.port, safe=False, kept_max=kept_max)


def ask(kept: Connections, seconds: float = 2.0) -> Reply:
    return kept.exchange(REQUEST, 1.0, seconds)


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED, UNTIL_THE_END])
def test_an_answer_is_read_whatever_says_its_length(server: Server, answer: bytes) -> None:
    server.answers = [[answer]]
    server.closes_after = {0}
    assert ask(to(server))[::2] == (200, b"hello")


def test_names_of_headers_are_told_in_lower_case(server: Server) -> None:
    server.answers = [[WHOLE]]
    assert ask(to(server)).headers == {b"content-type": b"a", b"x-amz-crc32": b"7", b"content-length": b"5"}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5_0\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
    ],
)
def test_what_is_not_exactly_http_is_no_answer_and_ends_the_connection(server: Server, answer: bytes) -> None:
    server.answers = [[answer], [WHOLE]]
    server.closes_after = {0}
    kept = to(server)
    with pytest.raises((Malformed, ConnectionResetError)):
        ask(kept)
    assert ask(kept).body == b"hello"
    assert server.accepted == 2


def test_a_connection_is_used_again(server: Server) -> None:
    server.answers = [[WHOLE]] * 5
    kept = to(server)
    for _ in range(5):
        ask(kept)
    assert (server.accepted, kept.opened) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE.replace(b"\r\nX-Amz", b"\r\nConnection: Close\r\nX-Amz"),
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WHOLE + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_connection_that_is_done_with_or_says_too_much_is_not(server: Server, answer: bytes) -> None:
    server.answers = [[answer], [WHOLE]]
    kept = to(server)
    assert [ask(kept).body, ask(kept).body] == [b"hello", b"hello"]
    assert server.accepted == 2


def test_news_before_the_answer_are_passed_over(server: Server) -> None:
    server.answers = [[b"HTTP/1.1 100 Continue\r\n\r\n", WHOLE]]
    assert ask(to(server)).status == 200


def test_an_answer_without_a_body_needs_no_length(server: Server) -> None:
    server.answers = [[b"HTTP/1.1 204 No Content\r\n\r\n"], [WHOLE]]
    kept = to(server)
    assert ask(kept)[::2] == (204, b"")
    assert ask(kept).body == b"hello"
    assert server.accepted == 1


def test_who_does_not_answer_is_given_up_in_time(server: Server) -> None:
    server.answers = [[], [WHOLE]]
    kept = to(server)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(kept, 0.2)
    assert time.monotonic() - began < 1.5
    # A late answer to the first request must not be taken for the second one's.
    assert ask(kept).body == b"hello"
    assert server.accepted == 2


def test_each_request_has_its_own_patience(server: Server) -> None:
    server.answers = [[WHOLE], [], [WHOLE]]
    kept = to(server)
    ask(kept, 2.0)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(kept, 0.2)
    assert time.monotonic() - began < 1.5


def test_a_connection_closed_while_it_lay_idle_is_left_for_another(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LOOKED_AT_SECONDS", 0.0)
    server.answers = [[WHOLE], [WHOLE]]
    server.closes_after = {0}
    kept = to(server)
    ask(kept)
    assert server.closed.wait(5)
    assert ask(kept).body == b"hello"
    assert (server.accepted, server.heard) == (2, 2)


def test_a_connection_closed_a_moment_ago_fails_one_request_which_nobody_sends_twice(server: Server) -> None:
    """The negative control of the look: whether that request was acted upon, only the one who sent it can find out."""
    server.answers = [[WHOLE], [WHOLE]]
    server.closes_after = {0}
    kept = to(server)
    ask(kept)
    assert server.closed.wait(5)
    with pytest.raises((Malformed, ConnectionError)):
        ask(kept)
    assert server.heard == 1
    assert ask(kept).body == b"hello"


def test_one_that_spoke_without_being_asked_is_left_for_another(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LOOKED_AT_SECONDS", 0.0)
    server.answers = [[WHOLE], [WHOLE]]
    kept = to(server)
    ask(kept)
    (idle,) = kept._idle
    ours, theirs = socket.socketpair()
    with theirs:
        idle._socket.close()
        idle._socket = ours
        theirs.sendall(b"HTTP/1.1 408 Too slow\r\n\r\n")
        assert ask(kept).status == 200
    assert server.accepted == 2


def test_one_that_lay_idle_too_long_is_not_trusted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOKED_AT_SECONDS", 0.0)
    monkeypatch.setattr(connections, "IDLE_SECONDS_MAX", 0.0)
    server.answers = [[WHOLE], [WHOLE]]
    kept = to(server)
    ask(kept)
    ask(kept)
    assert server.accepted == 2


def test_silence_is_told_from_the_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOKED_AT_SECONDS", 0.0)
    server.answers = [[WHOLE]] * 3
    kept = to(server)
    for _ in range(3):
        ask(kept)
    assert server.accepted == 1


def test_no_more_connections_are_kept_than_wanted(server: Server) -> None:
    server.answers = [[WHOLE]] * 8
    kept = to(server, kept_max=2)
    gate = threading.Barrier(4)
    begin: Callable[[], object] = gate.wait

    def run() -> None:
        begin()
        ask(kept)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept._idle) <= 2


def test_nobody_there_is_told_at_once(server: Server) -> None:
    server.close()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Connections("127.0.0.1", port, safe=False, kept_max=1).exchange(REQUEST, 1.0, 1.0)
