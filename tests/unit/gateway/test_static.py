"""The web app: its files and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.gateway.events import Incoming
from runtime.gateway.static import WebApp, is_api


@pytest.fixture
def web(tmp_path: Path) -> WebApp:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Stagedoor</title>")
    (folder / "docs.html").write_text("<title>The API</title>")
    (folder / "assets" / "app-1a2b.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return WebApp(str(folder))


def get(path: str, method: str = "GET", *headers: tuple[str, str]) -> Incoming:
    return Incoming(method, path, "", list(headers), b"", "127.0.0.1")


def test_files_are_served_with_their_type_and_an_etag(web: WebApp) -> None:
    page = web.answer(get("/index.html"))
    script = web.answer(get("/assets/app-1a2b.js"))
    assert page is not None
    assert script is not None
    assert dict(page.headers)["Content-Type"] == "text/html; charset=utf-8"
    assert dict(page.headers)["Cache-Control"] == "no-cache"
    assert "immutable" in dict(script.headers)["Cache-Control"]
    again = web.answer(get("/", "GET", ("if-none-match", dict(page.headers)["ETag"])))
    assert again is not None
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/events/evt_1", "/venues", "/organisers/org_1/"])
def test_addresses_of_pages_get_the_app(web: WebApp, path: str) -> None:
    page = web.answer(get(path))
    assert page is not None
    assert b"Stagedoor" in page.body


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs.html"])
def test_a_page_apart_is_found_by_its_name_and_runs_its_own_files_alone(web: WebApp, path: str) -> None:
    page = web.answer(get(path))
    assert page is not None
    assert b"The API" in page.body
    policy = dict(page.headers)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/events/docs", "/docs/more", "/docs/.."])
def test_no_other_address_is_the_page_apart(web: WebApp, path: str) -> None:
    page = web.answer(get(path))
    assert page is None or b"Stagedoor" in page.body


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/V3/x",
        "/%763/x",
        "//v3/x",
        "/v3/%0A",
        "/v1",
        "/v2/x",
        "/v",
        "/v/x",
        "/v1.5/x",
        "/health",
        "/openapi.json",
        "/.well-known/x",
        "/missing.js",
    ],
)
def test_the_apis_part_never_falls_through(web: WebApp, path: str) -> None:
    assert web.answer(get(path)) is None


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/../../secret.txt", "/link.txt", "/a%00.html"],
)
def test_nothing_outside_the_folder_is_served(web: WebApp, path: str) -> None:
    page = web.answer(get(path))
    assert page is None or b"secret" not in page.body


def test_only_reading_is_served(web: WebApp, tmp_path: Path) -> None:
    assert web.answer(get("/", "POST")) is None
    assert WebApp(str(tmp_path / "not-built")).answer(get("/")) is None


def test_words_that_begin_with_v_are_pages() -> None:
    assert not is_api("/venues")
    assert is_api("/v12/venues")
