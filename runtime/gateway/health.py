"""GET /health of the whole: ready when every service is; 503 when one cannot do its work."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as Late
from typing import Any

import msgspec

from runtime.gateway.events import Incoming, LambdaContext, build_event, new_request_id
from runtime.gateway.outgoing import Outgoing, from_lambda
from runtime.gateway.routing import HEALTH, Target
from runtime.gateway.services import Loaded

READY = "ready"
DEGRADED = "degraded"
SECONDS_MAX = 5.0
# Whoever asks more often gets the last answer again, so that asking is no way to keep the parts busy.
KEPT_SECONDS = 1.0


class Health:
    """Asks every service for its own /health, all at once."""

    def __init__(self, loaded: Loaded, stage: str) -> None:
        self._loaded = loaded
        self._stage = stage
        self._lock = threading.Lock()
        self._kept: tuple[float, Outgoing] | None = None

    def answer(self) -> Outgoing:
        """200 when every service can do its work, else 503; names each check that does not hold."""
        with self._lock:
            if self._kept is not None and time.monotonic() - self._kept[0] < KEPT_SECONDS:
                return self._kept[1]
            outgoing = self._look()
            self._kept = (time.monotonic(), outgoing)
            return outgoing

    def _look(self) -> Outgoing:
        services: dict[str, Any] = {
            name: {"status": DEGRADED, "checks": {"import": DEGRADED}} for name in self._loaded.broken
        }
        pool = ThreadPoolExecutor(max_workers=max(1, len(self._loaded.apps)))
        asked = {pool.submit(self._ask, name, app): name for name, app in self._loaded.apps.items()}
        try:
            for done in as_completed(asked, timeout=SECONDS_MAX):
                services[asked[done]] = _result(done.result)
        except Late:
            for name in asked.values():
                services.setdefault(name, {"status": DEGRADED, "checks": {"answer": DEGRADED}})
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        degraded = sorted(
            f"{name}: {check}"
            for name, service in services.items()
            if service["status"] != READY
            for check, result in (service["checks"] or {"status": service["status"]}).items()
            if result != READY
        )
        ready = bool(services) and not degraded
        works = bool(services) and not any(service.pop("fails", True) for service in services.values())
        document = {
            "status": READY if ready else DEGRADED,
            "degraded": degraded,
            "services": dict(sorted(services.items())),
        }
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        return Outgoing(200 if works else 503, headers, msgspec.json.encode(document))

    def _ask(self, name: str, app: Any) -> dict[str, Any]:
        incoming = Incoming("GET", HEALTH, "", [], b"", "127.0.0.1")
        target = Target(name, app, HEALTH, dict(app.routes.get(HEALTH) or {}), {})
        request_id = new_request_id()
        context = LambdaContext(app.app_name, request_id, SECONDS_MAX)
        outgoing = from_lambda(app(build_event(incoming, target, self._stage, request_id), context))
        document: dict[str, Any] = msgspec.json.decode(outgoing.body)
        return {"status": document["status"], "checks": document["checks"], "fails": outgoing.status != 200}


def _result(result: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return result()
    except Exception:  # a service that cannot even say how it is, is not well
        return {"status": DEGRADED, "checks": {"answer": DEGRADED}}
