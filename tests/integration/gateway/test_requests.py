"""What a client of the gateway gets."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from tests.integration.gateway.conftest import Running, Start, bearer

PROBLEM = "application/problem+json"


def kind(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == PROBLEM
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["trace_id"] == answer.headers["trace-id"]
    return str(document["type"]).removeprefix("urn:stagedoor:problem:")


def test_routes_of_all_services_are_at_one_address(client: httpx.Client) -> None:
    assert client.get("/v1/echo/a%20b?mark=1").json()["name"] == "a b"
    assert client.get("/v1/notes/n1").json() == {"note_id": "n1"}
    assert client.get("/v1/notes/latest").json() == {"note_id": "latest of all"}
    assert client.post("/v1/echo", json={"text": "ü"}).json() == {"text": "ü"}


def test_a_function_gets_the_event_that_api_gateway_builds(client: httpx.Client) -> None:
    headers = [("X-Many", "1"), ("X-Many", "2"), ("Traceparent", f"00-{'a' * 32}-{'b' * 16}-01")]
    answer = client.get("/v1/echo/event/x?a=1&a=2&b=", headers=headers)
    event = answer.json()
    assert event["resource"] == "/v1/echo/event/{name}"
    assert event["multiValueHeaders"]["x-many"] == ["1", "2"]
    assert event["headers"]["x-many"] == "2"
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert event["queryStringParameters"] == {"a": "2", "b": ""}
    assert event["pathParameters"] == {"name": "x"}
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["stage"] == "test"
    assert answer.headers["trace-id"] == "1-aaaaaaaa-" + "a" * 24


def test_bytes_come_and_go_unchanged(client: httpx.Client) -> None:
    every = bytes(range(256)) * 40
    answer = client.put("/v1/echo/bytes", content=every)
    assert answer.content == every[::-1]
    assert answer.headers["content-type"] == "application/pdf"


@pytest.mark.parametrize("path", ["/v1/notes/n1", "/v1/echo/mine", "/v1/nowhere", "/health", "/openapi.json"])
def test_the_head_of_an_answer_can_be_asked_for_alone(client: httpx.Client, path: str) -> None:
    for headers in ({}, bearer(), {**bearer(), "Accept-Encoding": "br"}):
        with client.stream("GET", path, headers=headers) as answer:
            raw = b"".join(answer.iter_raw())
        head = client.head(path, headers=headers)
        assert (head.status_code, head.content) == (answer.status_code, b"")
        assert head.headers.get("etag") == answer.headers.get("etag")
        assert head.headers["content-type"] == answer.headers["content-type"]
        assert int(head.headers["content-length"]) == len(raw) > 0
        # Nothing is left on the connection that the next answer would begin with.
        assert client.get("/v1/notes/n1").json() == {"note_id": "n1"}


def test_the_head_of_what_the_client_has_already_claims_no_length(client: httpx.Client) -> None:
    known = {"If-None-Match": client.get("/v1/notes/n1").headers["etag"]}
    for answer in (client.get("/v1/notes/n1", headers=known), client.head("/v1/notes/n1", headers=known)):
        assert (answer.status_code, answer.content) == (304, b"")
        assert "content-length" not in answer.headers


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_coding_comes_through_as_the_function_made_it(client: httpx.Client, coding: str) -> None:
    said = {"text": "ü" * 5000}
    with client.stream("POST", "/v1/echo", json=said, headers={"Accept-Encoding": coding}) as answer:
        raw = b"".join(answer.iter_raw())
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == (coding, "Accept-Encoding")
    assert int(answer.headers["content-length"]) == len(raw) < 500
    assert client.post("/v1/echo", json=said, headers={"Accept-Encoding": coding}).json() == said
    plain = client.post("/v1/echo", json=said, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


class TestRefusals:
    def test_what_is_not_there_is_a_problem(self, client: httpx.Client) -> None:
        unknown = client.get("/v1/nowhere")
        assert (unknown.status_code, kind(unknown)) == (404, "not-found")

    def test_a_version_that_is_not_there_names_those_that_are(self, client: httpx.Client) -> None:
        for path, versions in (
            ("/v3", ["v1", "v2"]),
            ("/v3/notes/n1", ["v1", "v2"]),
            ("/v2/echo/x", ["v1"]),
            ("/v1/notes/n1/lines", ["v2"]),
        ):
            answer = client.get(path)
            assert (answer.status_code, kind(answer), answer.json()["versions"]) == (404, "unknown-version", versions)
        for path in ("/v1/nowhere", "/v2/nowhere", "/v", "/V3/notes"):
            answer = client.get(path)
            assert (answer.status_code, kind(answer)) == (404, "not-found")

    def test_a_method_that_is_not_there_names_those_that_are(self, client: httpx.Client) -> None:
        answer = client.delete("/v1/echo")
        assert (answer.status_code, kind(answer)) == (405, "method-not-allowed")
        assert answer.headers["allow"] == "OPTIONS, POST"
        assert client.post("/health").status_code == 405

    def test_errors_of_the_service_pass_through(self, client: httpx.Client) -> None:
        answer = client.post("/v1/echo", json={"text": 1})
        assert (answer.status_code, kind(answer), answer.json()["field"]) == (422, "validation-failed", "$.text")

    def test_a_query_without_end_cannot_be_read(self, client: httpx.Client) -> None:
        assert client.get("/v1/echo/x?" + "&".join(f"a{n}=1" for n in range(101))).status_code == 400

    def test_a_page_elsewhere_may_ask_first_and_read_refusals(self, client: httpx.Client) -> None:
        preflight = client.options("/v1/echo", headers={"Origin": "https://x.example"})
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-methods"] == "OPTIONS, POST"
        assert "Idempotency-Key" in preflight.headers["access-control-allow-headers"]
        assert client.get("/v1/nowhere").headers["access-control-allow-origin"] == "*"


class TestSignIn:
    def test_the_authorizer_tells_the_service_who_it_is(self, client: httpx.Client) -> None:
        answer = client.get("/v1/echo/mine", headers=bearer(org_1="owner"))
        assert answer.json()["person_id"] == "per_anna"
        assert answer.json()["context"]["principalId"] == "per_anna"

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "x"}])
    def test_without_a_token_that_holds_it_is_a_401(self, client: httpx.Client, headers: dict[str, str]) -> None:
        answer = client.get("/v1/echo/mine", headers=headers)
        assert (answer.status_code, kind(answer)) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"

    def test_roles_decide_between_200_403_and_404(self, client: httpx.Client) -> None:
        headers = bearer(org_1="owner", org_2="scanner")
        statuses = [client.get(f"/v1/echo/organisers/org_{n}", headers=headers).status_code for n in (1, 2, 3)]
        assert statuses == [200, 403, 404]


class TestHealth:
    def test_it_is_ready_when_every_service_is(self, client: httpx.Client) -> None:
        answer = client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (200, "ready")
        assert set(answer.json()["services"]) == {"echo", "notes"}
        assert client.head("/health").status_code == 200

    def test_it_names_what_is_degraded(self, start: Start, tmp_path: Path) -> None:
        flag = tmp_path / "degraded"
        flag.touch()
        running = start("--workers", "1", NOTES_DEGRADED_FILE=str(flag))
        answer = httpx.get(f"{running.address}/health")
        assert (answer.status_code, answer.json()["degraded"]) == (503, ["notes: paper"])
        assert answer.json()["services"]["echo"]["status"] == "ready"
        # What is degraded still answers.
        assert httpx.get(f"{running.address}/v1/notes/n").status_code == 200

    def test_what_is_not_vital_is_named_and_no_reason_to_send_nothing(self, start: Start) -> None:
        running = start("--workers", "1", RESOURCE_PREFIX="nothing-was-taken-in-here")
        answer = httpx.get(f"{running.address}/health")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert answer.json()["degraded"] == ["echo: revocations"]

    def test_a_service_that_does_not_load_does_not_take_the_others_along(self, start: Start) -> None:
        running = start("--workers", "1", "--services", "tests.integration.gateway.broken")
        answer = httpx.get(f"{running.address}/health")
        assert (answer.status_code, answer.json()["degraded"]) == (503, ["shattered: import"])
        assert httpx.get(f"{running.address}/v1/whole").json() == {"whole": True}
        # It may be a route of the service that did not load.
        assert httpx.get(f"{running.address}/v1/shattered").status_code == 503
        assert any(line["event"] == "service_not_loaded" for line in running.lines())


class TestThreads:
    def test_no_request_sees_anothers(self, gateway: Running) -> None:
        """32 at a time over all threads of both processes, each paused in mid-request."""
        wrong: list[object] = []
        places: set[tuple[int, int]] = set()

        def ask(number: int) -> None:
            with httpx.Client(base_url=gateway.address, timeout=20) as own:
                for turn in range(6):
                    mark = f"{number}-{turn}"
                    said = own.get(f"/v1/echo/n{mark}?mark={mark}&seconds=0.02").json()
                    mine = {"mark": mark, "seconds": "0.02"}
                    places.add((said["process"], said["thread"]))
                    same = said["request_id"] == said["gateway_request_id"]
                    if not (said["before"] == said["after"] == mine and said["name"] == f"n{mark}" and same):
                        wrong.append(said)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        # Several threads were at it; were there only one, this test would prove nothing.
        assert len(places) > 4


class TestCrowd:
    def test_beyond_what_may_wait_callers_are_told_to_come_back(self, start: Start) -> None:
        running = start("--workers", "1", "--threads", "1", "--waiting-max", "2")
        answers: list[httpx.Response] = []

        def ask() -> None:
            answers.append(httpx.get(f"{running.address}/v1/echo/x?seconds=0.5", timeout=20))

        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = sorted(answer.status_code for answer in answers)
        assert set(statuses) == {200, 503}
        assert statuses.count(200) >= 3
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert (kind(refused), refused.headers["retry-after"]) == ("unavailable", "1")

    def test_who_is_behind_a_proxy_is_known_only_where_the_proxy_is_trusted(self, start: Start) -> None:
        headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
        seen = []
        for hops in ("0", "1", "2", "3"):
            running = start("--workers", "1", "--trusted-hops", hops)
            event = httpx.get(f"{running.address}/v1/echo/event/x", headers=headers).json()
            seen.append(event["requestContext"]["identity"]["sourceIp"])
        # What a client writes itself stands on the left, where only as many hops as there are proxies reach.
        assert seen == ["127.0.0.1", "198.51.100.7", "203.0.113.9", "127.0.0.1"]


class TestWeb:
    def test_the_built_app_is_served_beside_the_api(self, start: Start, tmp_path: Path) -> None:
        web = tmp_path / "dist"
        web.mkdir()
        (web / "index.html").write_text("<title>Stagedoor</title>")
        running = start("--workers", "1", "--web", str(web))
        for path in ("/", "/events/evt_1"):
            page = httpx.get(running.address + path)
            assert (page.status_code, page.text) == (200, "<title>Stagedoor</title>")
        for path in ("/v1/nowhere", "/v2/nowhere", "/v1"):
            assert httpx.get(running.address + path).headers["content-type"] == PROBLEM

    def test_before_it_is_built_there_is_nothing(self, client: httpx.Client) -> None:
        assert client.get("/").status_code == 404


def test_each_request_leaves_one_line_with_its_trace(gateway: Running, client: httpx.Client) -> None:
    trace = client.get("/v1/notes/traced").headers["trace-id"]
    (line,) = (line for line in gateway.lines() if line["trace_id"] == trace)
    assert (line["event"], line["service"], line["status"]) == ("invocation", "notes", 200)
