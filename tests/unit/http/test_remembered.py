"""A public answer is given to others by the same process for a moment, and never to anybody it is not for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chalice.app import SQSEvent

from shared import clock
from shared.http import PUBLIC, Answer, App, Call, QueryParameters
from shared.http.remembered import ANSWERS_MAX, BYTES_MAX, Remembered

PUBLICLY = {"Cache-Control": "public, max-age=10"}
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Chosen(QueryParameters, frozen=True):
    chapter: int = 1


class Shelf:
    """What a handler reads, and how often it was asked."""

    def __init__(self) -> None:
        self.word, self.asked = "first", 0


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def app(shelf: Shelf) -> App:
    app = App("remembering")

    @app.route("/v1/shelves/{shelf_id}", access=PUBLIC, query=Chosen, memory_seconds=1.0)
    def show(call: Call) -> Answer:
        shelf.asked += 1
        own = {"Cache-Control": "private, no-store"} if "mine" in call.path["shelf_id"] else PUBLICLY
        status = 200 if "odd" not in call.path["shelf_id"] else 203
        long = "x" * BYTES_MAX if "long" in call.path["shelf_id"] else ""
        return Answer({"word": shelf.word + long}, status=status, headers=own)

    @app.route("/v1/shelves/{shelf_id}", methods=["PUT"], access=PUBLIC, status=204)
    def change(call: Call) -> None:
        shelf.word = "second"
        if call.path["shelf_id"] == "broken":
            raise RuntimeError("after the write")

    @app.on_sqs_message(queue="words", name="hear")
    def hear(event: SQSEvent) -> None:
        shelf.word = "second"

    return app


@pytest.fixture
def now() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def words(client: Any, path: str, times: int = 2, headers: dict[str, str] | None = None) -> list[str]:
    return [client.get(path, headers=headers or {}).json["word"][:6] for _ in range(times)]


@pytest.mark.usefixtures("now")
def test_a_second_stranger_is_answered_without_asking_the_handler(client: Any, shelf: Shelf) -> None:
    assert words(client, "/v1/shelves/one", 3) == ["first"] * 3
    assert shelf.asked == 1
    with clock.fixed(NOW + timedelta(seconds=0.9)):
        words(client, "/v1/shelves/one", 1)
    assert shelf.asked == 1
    with clock.fixed(NOW + timedelta(seconds=1)):
        words(client, "/v1/shelves/one", 1)
    assert shelf.asked == 2, "a second is over"
    with clock.fixed(NOW - timedelta(days=1)):
        words(client, "/v1/shelves/one", 1)
    assert shelf.asked == 3, "a clock that was set back makes nothing last"


@pytest.mark.usefixtures("now")
def test_another_question_is_another_answer(client: Any, shelf: Shelf) -> None:
    for path in ("one", "two", "one?chapter=1", "one?chapter=2"):
        client.get(f"/v1/shelves/{path}")
    client.get("/v1/shelves/one", headers={"Accept": "text/csv"})
    assert shelf.asked == 5


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("shelf_id", ["mine", "odd", "long"])
def test_what_is_private_or_no_plain_answer_or_too_long_is_not_remembered(
    client: Any, shelf: Shelf, shelf_id: str
) -> None:
    words(client, f"/v1/shelves/{shelf_id}")
    assert shelf.asked == 2


@pytest.mark.usefixtures("now")
def test_who_says_who_they_are_is_always_asked_for(client: Any, shelf: Shelf) -> None:
    words(client, "/v1/shelves/one", headers={"Authorization": "Bearer x"})
    assert shelf.asked == 2
    words(client, "/v1/shelves/one")
    words(client, "/v1/shelves/one", headers={"Authorization": "Bearer x"})
    assert shelf.asked == 5, "nor are they given what strangers were"


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("shelf_id", ["one", "broken"])
def test_a_write_in_the_same_process_forgets_what_was_before(client: Any, shelf: Shelf, shelf_id: str) -> None:
    words(client, "/v1/shelves/one")
    client.put(f"/v1/shelves/{shelf_id}")
    assert words(client, "/v1/shelves/one", 1) == ["second"]


@pytest.mark.usefixtures("now")
def test_a_message_forgets_what_was_before(app: App, client: Any, shelf: Shelf) -> None:
    words(client, "/v1/shelves/one")
    app.handler_map["hear"]({"Records": []}, None)
    assert words(client, "/v1/shelves/one", 1) == ["second"]


@pytest.mark.usefixtures("now")
def test_without_forgetting_the_old_answer_is_given_for_the_rest_of_the_second(
    app: App, client: Any, shelf: Shelf
) -> None:
    """The negative control of the two before."""
    app.when_changed.clear()
    words(client, "/v1/shelves/one")
    client.put("/v1/shelves/one")
    assert words(client, "/v1/shelves/one", 1) == ["first"]


@pytest.mark.usefixtures("now")
def test_each_answer_has_headers_of_its_own(client: Any) -> None:
    first, second = (client.get("/v1/shelves/one").headers for _ in range(2))
    assert first["Trace-Id"] != second["Trace-Id"]
    assert {name: value for name, value in first.items() if name != "Trace-Id"} == {
        name: value for name, value in second.items() if name != "Trace-Id"
    }
    again = client.get("/v1/shelves/one", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert client.get("/v1/shelves/one").status_code == 200


@pytest.mark.usefixtures("now")
def test_so_many_answers_are_remembered_and_no_more(client: Any, shelf: Shelf) -> None:
    for number in range(ANSWERS_MAX + 1):
        client.get(f"/v1/shelves/{number}")
    client.get(f"/v1/shelves/{ANSWERS_MAX}")
    assert shelf.asked == ANSWERS_MAX + 1
    client.get("/v1/shelves/0")
    assert shelf.asked == ANSWERS_MAX + 2


@pytest.mark.parametrize("seconds", [0, -1, 1.5])
def test_an_answer_is_remembered_for_a_second_at_most(seconds: float) -> None:
    with pytest.raises(ValueError, match="up to 1"):
        Remembered(seconds)
