"""The load generator of the benchmarks against a small server: nothing is lost, and trouble is never a measurement."""

from __future__ import annotations

import socket
import threading

import pytest

from bench.connection import AnswerUnreadable, Connection, post
from bench.crowd import DONE, CrowdFailed, crowd
from bench.on_sale import patient


def test_a_patient_buyer_comes_again_when_told_to_and_takes_every_other_answer(port: int) -> None:
    answers = iter(["503 busy", "409 sold-out", DONE])
    busy: list[str] = []
    connection = Connection(port)
    assert patient(lambda _: next(answers), busy)(connection) == "409 sold-out"
    connection.close()
    assert busy == ["503 busy"]


def test_all_jobs_are_done_and_counted_by_how_they_ended(port: int) -> None:
    outcome = crowd(port, 3, [lambda _: DONE] * 5 + [lambda _: "409 sold-out"] * 2)
    assert outcome.counts == {DONE: 5, "409 sold-out": 2}


def test_a_crowd_with_trouble_in_it_is_no_measurement(port: int) -> None:
    def trouble(_: Connection) -> str:
        raise AnswerUnreadable("it ended early")

    with pytest.raises(CrowdFailed, match="it ended early"):
        crowd(port, 2, [trouble])


def test_an_answer_in_pieces_is_put_together(port: int) -> None:
    connection = Connection(port)
    assert connection.ask(post(port, "/", {}, b"whole")) == (201, b"answered")
    with pytest.raises(AnswerUnreadable):
        connection.ask(post(port, "/", {}, b"close"))
    connection.close()


@pytest.fixture
def port() -> int:
    """A server of one port that answers in three pieces, and closes when it is asked to."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer(line: socket.socket) -> None:
        with line:
            while request := line.recv(4096):
                if request.endswith(b"close"):
                    return
                for piece in (b"HTTP/1.1 201 Created\r\nContent-Le", b"ngth: 8\r\n\r\nansw", b"ered"):
                    line.sendall(piece)

    def serve() -> None:
        with listening:
            listening.settimeout(5)
            for _ in range(8):
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(line,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return int(listening.getsockname()[1])
