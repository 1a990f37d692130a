"""What a newcomer does first: `make up` with its season, and `make demo`, whose every step must be as it should."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.house import ROOT, House, free_port

pytestmark = [pytest.mark.xdist_group("whole-machine"), pytest.mark.timeout(400)]
PASSWORD = "stagedoor-demo"


@pytest.fixture(scope="module")
def house_with_season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("tour") / "state", free_port())
    try:
        made.start(with_season=True)
        yield made
    finally:
        made.clear_up()


def signed_in(house: House, role: str) -> dict[str, str]:
    body = {"email": f"{role}@stagedoor.example", "password": PASSWORD}
    answer = httpx.post(f"{house.address}/v1/sessions", json=body, timeout=30.0)
    assert answer.status_code == 201, answer.text
    # Throttling is on without anybody's doing, and tells how much is left.
    assert answer.headers["RateLimit-Policy"].startswith('"anonymous";q=')
    assert ";r=" in answer.headers["RateLimit"]
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def concerts(house: House) -> list[str]:
    """The ids of all events on sale, page by page."""
    found: list[str] = []
    path = "/v1/events?limit=100"
    while path:
        page = httpx.get(house.address + path, timeout=30.0).json()
        found += [event["event_id"] for event in page["items"]]
        path = f"/v1/events?limit=100&cursor={page['next']}" if page["next"] else ""
    return found


def test_the_season_is_on_sale(house_with_season: House) -> None:
    found = concerts(house_with_season)
    assert len(found) == len(set(found)) > 200
    assert any("144 programmes and 252 concerts" in line for line in house_with_season.lines)
    assert any("cannot be read" in line for line in house_with_season.lines), "bad rows are told one by one"


@pytest.mark.parametrize("role", ["organiser", "buyer", "scanner"])
def test_the_demo_people_can_sign_in(house_with_season: House, role: str) -> None:
    me = httpx.get(
        f"{house_with_season.address}/v1/people/me", headers=signed_in(house_with_season, role), timeout=30.0
    ).json()
    assert me["email"] == f"{role}@stagedoor.example"
    assert bool(me["memberships"]) == (role != "buyer")


def test_a_second_import_changes_nothing(house_with_season: House) -> None:
    headers = signed_in(house_with_season, "organiser")
    me = httpx.get(f"{house_with_season.address}/v1/people/me", headers=headers, timeout=30.0).json()
    before = concerts(house_with_season)
    body = {"organiser_id": me["memberships"][0]["organiser_id"], "source": "nyphil-performance-history"}
    report = httpx.post(f"{house_with_season.address}/v1/imports", json=body, headers=headers, timeout=60.0).json()
    assert (report["rows_written"], report["events"]["created"]) == (0, 0)
    assert concerts(house_with_season) == before


def test_the_demo_plays_one_sale_from_end_to_end(house_with_season: House) -> None:
    played = subprocess.run(
        house_with_season.command("demo"),
        cwd=ROOT,
        env=house_with_season.environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr + house_with_season.logs()
    assert "The sale went through from end to end" in played.stdout
    assert house_with_season.healthy(), "the demo used what was up, and left it up"
