"""`cd services/<any> && chalice local --stage dev` works beside a running Stagedoor, as every Chalice user expects."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.house import ROOT, House, free_port, within

pytestmark = [pytest.mark.xdist_group("whole-machine"), pytest.mark.timeout(300)]
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if (path / ".chalice").exists())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_served_alone(running_house: House, service: str, tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "chalice.log"
    with log.open("wb") as output:
        served = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("chalice")),
                "local",
                "--stage",
                "dev",
                "--no-autoreload",
                "--port",
                str(port),
            ],
            cwd=ROOT / "services" / service,
            env={
                **running_house.environment,
                "STAGEDOOR_ENVIRONMENT_FILE": str(running_house.state / "environment.json"),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def healthy() -> bool:
        assert served.poll() is None, log.read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health", timeout=5.0).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        assert within(30.0, healthy), log.read_text()
    finally:
        served.send_signal(signal.SIGINT)
        served.wait(20)
