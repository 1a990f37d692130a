"""Answers in the coding that the client asks for."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http import PUBLIC, Answer, App, Call, Idempotency, conditional
from shared.http.coding import BYTES_MIN, coding_for, compress, compressible
from tests.unit.http.test_idempotency import Memory

LARGE = {"text": "All the world's a stage. " * 200}
UNPACK = {"gzip": lambda raw: zlib.decompress(raw, 31), "br": brotli.decompress}


@pytest.fixture
def app() -> App:
    app = App("coded")

    @app.route("/v1/large", access=PUBLIC, cache="public, max-age=9")
    def large(call: Call) -> Answer:
        return Answer(LARGE, etag=7, headers={"Vary": "Authorization"})

    @app.route("/v1/large", methods=["PATCH"], access=PUBLIC)
    def change(call: Call) -> Answer:
        return Answer({"version": call.expected_version()})

    @app.route("/v1/large", methods=["POST"], access=PUBLIC, status=201, idempotency=Idempotency(Memory()))
    def make(call: Call) -> dict[str, str]:
        return LARGE

    @app.route("/v1/small", access=PUBLIC)
    def small(call: Call) -> dict[str, str]:
        return {"text": "short"}

    @app.route("/v1/raw/{kind}", access=PUBLIC)
    def raw(call: Call) -> Answer:
        headers = {
            "pdf": {"Content-Type": "application/pdf"},
            "svg": {"Content-Type": "image/svg+xml"},
            "csv": {"Content-Type": "text/csv; charset=utf-8"},
            "packed": {"Content-Type": "text/plain", "Content-Encoding": "gzip"},
            "fixed": {"Content-Type": "text/plain", "Cache-Control": "no-transform"},
        }
        return Answer(b"a,b\n" * 1000, headers=headers[call.path["kind"]])

    @app.route("/v1/failure", access=PUBLIC)
    def fail(call: Call) -> None:
        raise RuntimeError("nothing of this is shown")

    return app


def body(reply: Any) -> bytes:
    """The bytes of an answer, as API Gateway sends them on."""
    return base64.b64decode(reply.body) if "Content-Encoding" in reply.headers else reply.body.encode()


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("deflate, zstd", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0.5, gzip ; Q=0.4", "br"),
        ("br;q=0, gzip;q=0", None),
        ("br;q=0, gzip", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0, *", None),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("gzip;q=2, br;q=x, ;, =", None),
        ("gzip;q=0.0001", None),
    ],
)
def test_the_clients_weights_decide(accept: str | None, coding: str | None) -> None:
    assert coding_for(accept, BYTES_MIN) == coding


def test_small_answers_stay_as_they_are_unless_that_is_refused() -> None:
    assert coding_for("gzip, br", BYTES_MIN - 1) is None
    assert coding_for("identity;q=0, gzip", 1) == "gzip"
    assert coding_for("*;q=0, br", 1) == "br"
    assert coding_for("*;q=0", 1) is None


@given(st.text(max_size=60) | st.lists(st.sampled_from(["gzip", "br", "*", ";q=", "0", "1", ",", " "])).map("".join))
def test_whatever_is_accepted_there_is_an_answer(accept: str) -> None:
    assert coding_for(accept, BYTES_MIN) in (None, "gzip", "br")


@given(st.binary(max_size=3000), st.sampled_from(["gzip", "br"]))
def test_what_is_packed_can_be_unpacked_and_is_always_the_same(content: bytes, coding: str) -> None:
    packed = compress(content, coding)
    assert UNPACK[coding](packed) == content
    assert compress(content, coding) == packed


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_large_answer_comes_in_the_coding_with_an_etag_of_its_own(client: Any, coding: str) -> None:
    plain = client.get("/v1/large")
    coded = client.get("/v1/large", headers={"Accept-Encoding": coding})
    assert json.loads(UNPACK[coding](body(coded))) == plain.json == LARGE
    assert len(body(coded)) < len(body(plain)) / 5
    assert coded.headers["Content-Encoding"] == coding
    assert (plain.headers["ETag"], coded.headers["ETag"]) == ('"7"', f'"7-{coding}"')
    assert plain.headers["Vary"] == coded.headers["Vary"] == "Authorization, Accept-Encoding"
    assert "Content-Encoding" not in plain.headers


def test_who_has_a_coding_already_gets_a_304_for_that_one_alone(client: Any) -> None:
    headers = {"Accept-Encoding": "br", "If-None-Match": '"7-br"'}
    again = client.get("/v1/large", headers=headers)
    assert (again.status_code, again.body, again.headers["ETag"]) == (304, "", '"7-br"')
    assert again.headers["Vary"] == "Authorization, Accept-Encoding"
    assert again.headers["Cache-Control"] == "public, max-age=9"
    assert "Content-Encoding" not in again.headers
    for known in ('"7"', '"7-gzip"', '"6-br"'):
        assert client.get("/v1/large", headers={**headers, "If-None-Match": known}).status_code == 200
    assert client.get("/v1/large", headers={"If-None-Match": '"7-br"'}).status_code == 200


@pytest.mark.parametrize("etag", ['"7"', '"7-br"', '"7-gzip"', '"7-0123abcd"', '"7-0123abcd-br"'])
def test_a_change_is_meant_for_the_version_in_whatever_form_it_was_read(client: Any, etag: str) -> None:
    answered = client.patch("/v1/large", headers={"If-Match": etag, "Content-Type": "application/json"})
    assert answered.json == {"version": 7}
    for other in ('"7-zip"', '"-br"', '"7-br-br"', '"7-"'):
        assert client.patch("/v1/large", headers={"If-Match": other}).status_code == 412


def test_a_repetition_may_ask_for_another_coding(client: Any) -> None:
    for coding in ("br", "gzip", "identity"):
        headers = {"Accept-Encoding": coding, "Idempotency-Key": "k1", "Content-Type": "application/json"}
        made = client.post("/v1/large", headers=headers)
        assert made.status_code == 201
        assert made.headers.get("Content-Encoding", "identity") == coding
        assert ("Idempotency-Replayed" in made.headers) == (coding != "br")
        assert json.loads(UNPACK.get(coding, bytes)(body(made))) == LARGE


def test_a_small_answer_is_the_same_for_all(client: Any) -> None:
    plain, asked = client.get("/v1/small"), client.get("/v1/small", headers={"Accept-Encoding": "gzip, br"})
    assert plain.headers["ETag"] == asked.headers["ETag"]
    assert "Vary" not in asked.headers
    assert "Content-Encoding" not in asked.headers


@pytest.mark.parametrize(("kind", "coded"), [("pdf", 0), ("svg", 1), ("csv", 1), ("packed", 0), ("fixed", 0)])
def test_only_what_gets_smaller_is_compressed(client: Any, kind: str, coded: int) -> None:
    answered = client.get(f"/v1/raw/{kind}", headers={"Accept-Encoding": "br"})
    assert (answered.headers.get("Content-Encoding") == "br") == bool(coded)
    assert ("Vary" in answered.headers) == bool(coded)


def test_a_problem_document_can_be_read_by_who_asked_for_a_coding(client: Any) -> None:
    answered = client.get("/v1/failure", headers={"Accept-Encoding": "gzip"})
    assert (answered.status_code, answered.json["status"]) == (500, 500)


def test_types_are_told_by_their_names() -> None:
    for name in ("application/json", "application/problem+json", "text/csv; charset=utf-8", "Application/XML"):
        assert compressible(name)
    for other in (None, "", "application/pdf", "image/png", "application/jsonish; charset=utf-8", "font/woff2"):
        assert not compressible(other)


def test_with_one_etag_for_all_codings_a_cache_would_mix_them(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: without a mark, who has one coding is told that it is the other one, too."""
    monkeypatch.setattr(conditional, "marked", lambda etag, mark: etag)
    assert client.get("/v1/large", headers={"Accept-Encoding": "br", "If-None-Match": '"7"'}).status_code == 304
