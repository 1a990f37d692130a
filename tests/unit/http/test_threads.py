"""Several threads on one app: each sees its own request, which stock Chalice does not give."""

from __future__ import annotations

import threading
from typing import Any

from chalice.app import Chalice

from shared.http import PUBLIC, App, Call

THREADS = 20
ROUNDS = 20


def event(number: int) -> dict[str, Any]:
    return {
        "headers": {"x-number": str(number)},
        "pathParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": None,
        "requestContext": {"httpMethod": "GET", "resourcePath": "/v1/who"},
    }


class Context:
    """Lambda's context of one request."""

    def __init__(self, number: int) -> None:
        self.aws_request_id = f"request-{number}"


def mixed_up(app: Any, barrier: threading.Barrier) -> int:
    """How many of 400 threaded requests saw another's request or context."""
    wrong: list[int] = []

    def work(number: int) -> None:
        for turn in range(ROUNDS):
            mine = number * ROUNDS + turn
            answer = app(event(mine), Context(mine))
            if answer["body"] != f"{mine} request-{mine}":
                wrong.append(mine)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(wrong)


def seen(app: Any) -> str:
    return f"{app.current_request.headers['x-number']} {app.lambda_context.aws_request_id}"


def test_no_request_sees_anothers() -> None:
    barrier = threading.Barrier(THREADS)
    app = App("sample")

    @app.route("/v1/who", access=PUBLIC)
    def who(call: Call) -> Any:
        from shared.http import Answer

        # All requests are inside their handlers before any of them looks.
        barrier.wait(10)
        return Answer(seen(app))

    assert mixed_up(app, barrier) == 0


def test_stock_chalice_mixes_them_up() -> None:
    """The negative control: the same requests on the class this one derives from."""
    barrier = threading.Barrier(THREADS)
    app = Chalice("stock", configure_logs=False)

    @app.route("/v1/who")
    def who() -> str:
        barrier.wait(10)
        return seen(app)

    assert mixed_up(app, barrier) > THREADS * ROUNDS // 2


def test_nothing_of_a_request_is_left_behind() -> None:
    app = App("sample")

    @app.route("/v1/who", access=PUBLIC)
    def who(call: Call) -> Any:
        return seen(app)

    app(event(1), Context(1))
    assert app.current_request is None
    assert app.lambda_context is None


def test_two_apps_in_one_process_keep_apart() -> None:
    first, second = App("first"), App("second")

    @first.route("/v1/who", access=PUBLIC)
    def outer(call: Call) -> Any:
        inner = second(event(2), Context(2))
        return {"inner": inner["body"], "outer": seen(first)}

    @second.route("/v1/who", access=PUBLIC)
    def within(call: Call) -> Any:
        return {"other": first.current_request.headers["x-number"], "own": seen(second)}

    body = first(event(1), Context(1))["body"]
    assert body == '{"inner":"{\\"other\\":\\"1\\",\\"own\\":\\"2 request-2\\"}","outer":"1 request-1"}'
