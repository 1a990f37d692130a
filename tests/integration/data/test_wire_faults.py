"""Servers that hang, hang up or answer nonsense: a sentence in time, or success on the next try."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.data import Row, Unavailable, deadline, fetch, insert, wire

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
Serve = Callable[[Callable[[socket.socket], None]], str]


class Thing(Row):
    class Meta:
        table_variable = "KIT_TABLE_NAME"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that treats each connection as told; answers its address."""
    listeners: list[socket.socket] = []

    def start(treat: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=treat, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


def hang(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(5)
    connection.close()


def hang_up(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.close()


def talk_nonsense(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<htm>")
    connection.close()


@pytest.mark.parametrize("treat", [hang, hang_up, talk_nonsense])
def test_a_broken_server_ends_in_a_sentence_at_the_deadline(
    treat: Callable[[socket.socket], None], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", serve(treat))
    began = time.monotonic()
    with deadline.within(0.5), pytest.raises(Unavailable):
        fetch(Thing, "a", "b")
    assert time.monotonic() - began < 1.5


def test_nobody_listening_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
    with deadline.within(0.3), pytest.raises(Unavailable):
        fetch(Thing, "a", "b")


def test_a_hanging_connection_is_given_up_for_another(serve: Serve, pk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first connection hangs after passing the request on; the resend over the next one meets its effect."""
    real = wire._current_endpoint().host.split(":")
    first = threading.Event()

    def proxy(connection: socket.socket) -> None:
        with socket.create_connection((real[0], int(real[1]))) as upstream:
            upstream.sendall(connection.recv(65536))
            answer = upstream.recv(65536)
            if not first.is_set():
                first.set()
                time.sleep(1.5)
            connection.sendall(answer)
        connection.close()

    monkeypatch.setattr(wire, "READ_SECONDS", 0.3)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", serve(proxy))
    insert(Thing(pk, "a"), now=NOW)
    assert first.is_set()
    found = fetch(Thing, pk, "a")
    assert found is not None
    assert found.version == 1


def test_connections_are_kept(monkeypatch: pytest.MonkeyPatch, pk: str) -> None:
    fetch(Thing, pk, "a")
    kept = wire._current_endpoint().connections
    opened = kept.opened
    for _ in range(5):
        fetch(Thing, pk, "a")
    assert kept.opened == opened


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody has signed but itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


def over_tls(certificate: Path) -> Callable[[socket.socket], None]:
    """Treats connections as DynamoDB's TLS end does: takes the lock off and passes everything on."""
    host, _, port = wire._current_endpoint().host.partition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def treat(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as safe:
                while request := safe.recv(65536):
                    with socket.create_connection((host, int(port))) as upstream:
                        upstream.sendall(request)
                        safe.sendall(upstream.recv(65536))
        except OSError:
            connection.close()

    return treat


def test_requests_go_over_tls(serve: Serve, certificate: Path, pk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = serve(over_tls(certificate)).replace("http://", "https://")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", address)
    insert(Thing(pk, "a"), now=NOW)
    assert fetch(Thing, pk, "a") is not None


def test_a_certificate_that_nobody_vouches_for_is_refused(
    serve: Serve, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", serve(over_tls(certificate)).replace("http://", "https://"))
    with deadline.within(0.5), pytest.raises(Unavailable, match="SSLCertVerificationError"):
        fetch(Thing, "a", "b")
