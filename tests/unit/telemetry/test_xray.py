"""X-Ray: segments when it is on, not even an import when it is off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

PROGRAM = """
import json, sys
from shared.http import PUBLIC, App
from shared.telemetry import segment

app = App("sample")

@app.route("/v1/things", access=PUBLIC)
def things(call):
    with segment("look-up", rows=3):
        return {"ok": True}

sent = []
if %r:
    from aws_xray_sdk.core import xray_recorder
    class Emitter:
        def send_entity(self, entity):
            sent.append(json.loads(entity.serialize()))
        def set_daemon_address(self, address):
            pass
    xray_recorder.configure(emitter=Emitter(), sampling=False)

event = {
    "headers": {"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793"}, "pathParameters": None, "body": None,
    "multiValueQueryStringParameters": None, "stageVariables": None,
    "requestContext": {"httpMethod": "GET", "resourcePath": "/v1/things"},
}
status = app(event, None)["statusCode"]
print(json.dumps({"status": status, "sent": sent, "imported": "aws_xray_sdk" in sys.modules}), file=sys.stderr)
"""


def run(enabled: bool) -> dict[str, Any]:
    environ = {**os.environ, "XRAY_ENABLED": "1" if enabled else "0"}
    environ.pop("AWS_LAMBDA_FUNCTION_NAME", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM % enabled],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return found


def test_off_it_is_never_imported() -> None:
    assert run(enabled=False) == {"status": 200, "sent": [], "imported": False}


def test_on_an_invocation_is_a_segment_of_its_trace_with_the_work_in_it() -> None:
    found = run(enabled=True)
    assert found["status"] == 200
    (sent,) = found["sent"]
    assert (sent["name"], sent["trace_id"]) == ("stagedoor-sample", "1-5759e988-bd862e3fe1be46a994272793")
    (part,) = sent["subsegments"]
    assert (part["name"], part["annotations"]) == ("look-up", {"rows": 3})
