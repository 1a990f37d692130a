"""A service for the gateway's tests: says back what it was asked, slowly where told to."""

import os
import threading
import time
from typing import Annotated, Any

import msgspec

from shared.auth import authorize_access_token
from shared.http import PUBLIC, Answer, App, Call, QueryParameters, RequestBody, member

app = App("echo")


@app.authorizer(name="authorize", ttl_seconds=60)
def authorize(request: Any) -> Any:
    """Lets holders of access tokens in."""
    return authorize_access_token(request)


class Said(RequestBody, frozen=True):
    """What is to be said back."""

    text: Annotated[str, msgspec.Meta(max_length=200_000)]


class Pause(QueryParameters, frozen=True):
    """How long to take."""

    seconds: float = 0.0
    mark: str = ""


@app.route("/v1/echo/whoami/{organiser_id}", access=member())
def whoami(call: Call) -> dict[str, Any]:
    """Says which process let a member in."""
    return {"person_id": call.person.person_id, "process": os.getpid()}


@app.route("/v1/echo/{name}", access=PUBLIC, query=Pause)
def echo(call: Call) -> dict[str, Any]:
    """Says who asked, as Chalice's current_request has it before and after a pause."""
    before = app.current_request.to_original_event()
    time.sleep(call.query.seconds)
    after = app.current_request.to_original_event()
    return {
        "name": call.path["name"],
        "mark": call.query.mark,
        "before": before["queryStringParameters"],
        "after": after["queryStringParameters"],
        "request_id": app.lambda_context.aws_request_id,
        "gateway_request_id": after["requestContext"]["requestId"],
        "process": os.getpid(),
        "thread": threading.get_ident(),
    }


@app.route("/v1/echo", methods=["POST"], access=PUBLIC, body=Said, status=201)
def say(call: Call) -> dict[str, Any]:
    """Says back a text."""
    return {"text": call.body.text}


class Letters(QueryParameters, frozen=True):
    """Anything to look at in the event."""

    a: list[str] = msgspec.field(default_factory=list)
    b: str = ""


@app.route("/v1/echo/event/{name}", access=PUBLIC, query=Letters)
def event(call: Call) -> dict[str, Any]:
    """Says back the event the function was given."""
    whole: dict[str, Any] = app.current_request.to_original_event()
    return whole


@app.route("/v1/echo/bytes", methods=["PUT"], access=PUBLIC, body_bytes_max=2_000_000)
def turned(call: Call) -> Answer:
    """Says bytes back, last one first."""
    return Answer(call.raw_body[::-1], headers={"Content-Type": "application/pdf"})


@app.route("/v1/echo/mine")
def mine(call: Call) -> dict[str, Any]:
    """Says who is signed in."""
    return {"person_id": call.person.person_id, "context": app.current_request.context["authorizer"]}


@app.route("/v1/echo/organisers/{organiser_id}", access=member("owner"))
def owned(call: Call) -> dict[str, Any]:
    """For owners only."""
    return {"organiser_id": call.path["organiser_id"]}


@app.route("/v1/echo/end", methods=["POST"], access=PUBLIC)
def end(call: Call) -> None:
    """Ends the process without ceremony, as a crash would."""
    os._exit(3)
