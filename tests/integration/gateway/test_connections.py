"""Connections, byte by byte: keep-alive, limits, slow clients, the end of the server."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import threading
import time

import httpx
import pytest

from tests.integration.gateway.conftest import Running, Start, stop_gateway

GET = b"GET /v1/notes/n HTTP/1.1\r\nHost: x\r\n\r\n"


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer with a content length, and nothing beyond it."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65_536)
        if not chunk:
            raise ConnectionError(f"the server closed after {data!r}")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65_536)
    return int(first.split()[1]), headers, body


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1000) == b""
    except ConnectionError:
        return True


class TestKeepAlive:
    def test_one_connection_serves_many_requests_without_the_40_ms_delay(self, gateway: Running) -> None:
        """Nagle's algorithm and a delayed ACK would add 40 ms to each; the median tells it from a busy machine."""
        times = []
        with gateway.connect() as connection:
            for _ in range(60):
                started = time.perf_counter()
                connection.sendall(GET)
                assert read_answer(connection)[0] == 200
                times.append(time.perf_counter() - started)
        assert statistics.median(times) < 0.030

    def test_the_delay_is_seen_where_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The negative control: stock `chalice local` on the same machine, with the same look."""
        from chalice.app import Chalice
        from chalice.config import Config
        from chalice.local import ChaliceRequestHandler, LocalDevServer

        monkeypatch.setattr(ChaliceRequestHandler, "disable_nagle_algorithm", False)
        stock = Chalice("stock", configure_logs=False)
        stock.route("/x")(dict)
        server = LocalDevServer(stock, Config(), "127.0.0.1", 0)
        thread = threading.Thread(target=server.server.serve_forever, daemon=True)
        thread.start()
        times = []
        with socket.create_connection(server.server.server_address) as connection:
            for _ in range(20):
                started = time.perf_counter()
                connection.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
                read_answer(connection)
                times.append(time.perf_counter() - started)
        server.shutdown()
        server.server.server_close()
        assert statistics.median(times) > 0.030

    def test_requests_sent_ahead_are_answered_in_order(self, gateway: Running) -> None:
        with gateway.connect() as connection:
            connection.sendall(b"".join(GET.replace(b"/n ", f"/n{n} ".encode()) for n in range(5)))
            data = b""
            while data.count(b'"note_id"') < 5:
                data += connection.recv(65_536)
        assert [data.index(f'"n{n}"'.encode()) for n in range(5)] == sorted(
            data.index(f'"n{n}"'.encode()) for n in range(5)
        )

    def test_a_client_that_wants_to_close_is_let_go(self, gateway: Running) -> None:
        with gateway.connect() as connection:
            connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            assert read_answer(connection)[0] == 200
            assert is_closed(connection)


class TestLimits:
    def test_a_body_said_to_be_too_large_is_refused_unread(self, gateway: Running) -> None:
        with gateway.connect() as connection:
            connection.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
            status, headers, body = read_answer(connection)
            assert (status, headers["content-type"]) == (413, "application/problem+json")
            assert b"body-too-large" in body
            assert is_closed(connection)

    @pytest.mark.parametrize("length", [b"", b"Content-Length: 5\r\n"], ids=["chunks", "chunks beside a length"])
    def test_a_body_that_grows_too_large_is_refused_on_the_way(self, gateway: Running, length: bytes) -> None:
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        with gateway.connect() as connection:
            connection.sendall(
                b"PUT /v1/echo/bytes HTTP/1.1\r\nHost: x\r\n" + length + b"Transfer-Encoding: chunked\r\n\r\n"
            )
            sent = 0
            try:
                for _ in range(200):
                    connection.sendall(chunk)
                    sent += 1
            except OSError:
                # The server has closed; what it said may still be read below, or be lost with the connection.
                pass
            assert sent < 200 or b" 413 " in connection.recv(200)

    def test_a_body_at_the_limit_passes(self, gateway: Running) -> None:
        body = b"x" * 1_048_576
        for content in (body, iter([body[:500_000], body[500_000:]])):
            answer = httpx.put(f"{gateway.address}/v1/echo/bytes", content=content, timeout=20)
            assert (answer.status_code, len(answer.content)) == (200, 1_048_576)

    @pytest.mark.parametrize(
        "headers",
        [b"X-Large: " + b"a" * 20_000, b"\r\n".join(b"X-%d: %s" % (n, b"a" * 300) for n in range(80))],
        ids=["one large", "many"],
    )
    def test_headers_beyond_the_limit_are_refused(self, gateway: Running, headers: bytes) -> None:
        with gateway.connect() as connection:
            connection.sendall(b"GET /v1/notes/n HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n")
            assert b" 431 " in connection.recv(200)
            assert is_closed(connection)

    def test_headers_of_an_honest_size_pass(self, gateway: Running) -> None:
        with gateway.connect() as connection:
            connection.sendall(GET[:-2] + b"Authorization: Bearer " + b"a" * 8_000 + b"\r\n\r\n")
            assert read_answer(connection)[0] == 200

    @pytest.mark.parametrize(
        "request_text",
        [
            b"nonsense\r\n\r\n",
            b"GET /v1/notes/n HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
            b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        ],
        ids=["no request", "no length", "two lengths"],
    )
    def test_what_can_be_read_in_two_ways_is_not_served(self, gateway: Running, request_text: bytes) -> None:
        """Requests whose length two servers could see differently are how one client smuggles into another's."""
        with gateway.connect(4) as connection:
            connection.sendall(request_text)
            try:
                first = connection.recv(200)
            except (TimeoutError, ConnectionError):
                return
            assert first == b"" or b" 400 " in first.split(b"\r\n")[0] + b" "

    def test_of_two_framings_chunks_count_and_nothing_after_them_does(self, gateway: Running) -> None:
        """As RFC 9112 asks for: whatever a proxy took for the end, there is no second request in it."""
        with gateway.connect(4) as connection:
            connection.sendall(
                b"PUT /v1/echo/bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3\r\nabc\r\n0\r\n\r\n" + GET
            )
            assert read_answer(connection)[2] == b"cba"
            assert is_closed(connection)


class TestSlowClients:
    def test_a_body_that_does_not_come_is_not_waited_for(self, gateway: Running) -> None:
        with gateway.connect() as connection:
            started = time.monotonic()
            connection.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
            status, headers, body = read_answer(connection)
            assert (status, headers["content-type"]) == (408, "application/problem+json")
            assert b"request-timeout" in body
            assert 1.0 < time.monotonic() - started < 6
            assert is_closed(connection)

    def test_headers_that_do_not_come_are_not_waited_for(self, gateway: Running) -> None:
        with gateway.connect() as connection:
            started = time.monotonic()
            connection.sendall(b"GET /v1/notes/n HTTP/1.1\r\nHos")
            data = connection.recv(1000)
            assert data == b"" or b" 408 " in data
            assert time.monotonic() - started < 6

    def test_slow_clients_hold_up_nobody(self, start: Start) -> None:
        """With one worker of two threads, 40 who send their bodies by drops would be 38 too many."""
        running = start("--workers", "1", "--threads", "2", "--body-seconds-max", "10")
        slow = [running.connect() for _ in range(40)]
        try:
            for connection in slow:
                connection.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na")
            time.sleep(0.3)
            for _ in range(5):
                assert httpx.get(f"{running.address}/v1/notes/n", timeout=3).status_code == 200
        finally:
            for connection in slow:
                connection.close()

    def test_a_client_that_goes_away_in_mid_request_harms_nobody(self, gateway: Running) -> None:
        for _ in range(20):
            with gateway.connect() as connection:
                connection.sendall(b"GET /v1/echo/x?seconds=0.05 HTTP/1.1\r\nHost: x\r\n\r\n")
            with gateway.connect() as connection:
                connection.sendall(b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert httpx.get(f"{gateway.address}/v1/notes/n", timeout=5).status_code == 200


class TestStopping:
    def test_requests_in_flight_are_finished(self, start: Start) -> None:
        running = start("--workers", "2")
        connections = [running.connect(20) for _ in range(8)]
        for connection in connections:
            connection.sendall(b"GET /v1/echo/x?seconds=3 HTTP/1.1\r\nHost: x\r\n\r\n")
        # Time for the workers to take them up: what still waits to be accepted is not in flight.
        time.sleep(1.5)
        running.process.send_signal(signal.SIGTERM)
        answers = []
        for connection in connections:
            answers.append(read_answer(connection)[0])
            connection.close()
        assert answers == [200] * 8
        assert running.process.wait(15) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{running.address}/health", timeout=2)

    def test_a_kill_does_not_finish_them(self, start: Start) -> None:
        """The negative control: the same requests, the server killed without a word."""
        running = start("--workers", "1")
        failures: list[Exception] = []

        def ask() -> None:
            try:
                httpx.get(f"{running.address}/v1/echo/x?seconds=5", timeout=20)
            except httpx.HTTPError as error:
                failures.append(error)

        worker = httpx.get(f"{running.address}/v1/echo/x").json()["process"]
        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.5)
        os.kill(worker, signal.SIGKILL)
        thread.join()
        assert len(failures) == 1

    def test_a_worker_that_dies_is_replaced(self, start: Start) -> None:
        running = start("--workers", "1")
        first = httpx.get(f"{running.address}/v1/echo/x").json()["process"]
        with pytest.raises(httpx.HTTPError):
            httpx.post(f"{running.address}/v1/echo/end", timeout=10)
        ends_at = time.monotonic() + 20
        while time.monotonic() < ends_at:
            try:
                second = httpx.get(f"{running.address}/v1/echo/x", timeout=2).json()["process"]
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            pytest.fail("nobody took the dead worker's place")
        assert second != first
        assert stop_gateway(running) == 0

    def test_workers_that_are_still_loading_can_be_stopped(self, start: Start) -> None:
        """Stopped the moment after a worker was replaced, when the new one has not got as far as its own handlers."""
        running = start("--workers", "1")
        worker = httpx.get(f"{running.address}/v1/echo/x").json()["process"]
        os.kill(worker, signal.SIGKILL)
        time.sleep(0.05)
        started = time.monotonic()
        assert stop_gateway(running) == 0
        assert time.monotonic() - started < 10

    def test_workers_do_not_outlive_their_parent(self, start: Start) -> None:
        running = start("--workers", "2")
        workers = {httpx.get(f"{running.address}/v1/echo/x").json()["process"] for _ in range(30)}
        running.process.kill()
        running.process.wait(5)
        ends_at = time.monotonic() + 15
        while any(is_alive(worker) for worker in workers) and time.monotonic() < ends_at:
            time.sleep(0.1)
        assert not any(is_alive(worker) for worker in workers)

    def test_without_services_it_does_not_start(self) -> None:
        import subprocess
        import sys

        command = [sys.executable, "-m", "runtime.gateway", "--services", "tests.integration.gateway.nowhere"]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert run.returncode == 1
        assert "no service" in run.stderr


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
