"""The PDF and the QR symbol."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
import segno
from pypdf import PdfReader

from services.tickets import document
from tests.unit.tickets.sample_tickets import AT, facts, ticket


def text_of(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_every_ticket_has_its_page_with_all_that_the_door_and_the_buyer_need() -> None:
    event = facts()
    tickets = [ticket(event, seat="12"), ticket(event, seat="13")]
    pages = text_of(document.render(event, tickets, at=AT))
    assert len(pages) == 2
    for page, issued in zip(pages, tickets, strict=True):
        for expected in (
            "Mahler: Symphony No. 9",
            "Tuesday, 1 September 2026, 09:00 EDT",
            "Doors open at 07:30 EDT",
            "David Geffen Hall, New York",
            "Orchestra",
            "45.00 USD",
            "Standard",
            issued.ticket_id,
        ):
            assert expected in page, expected
        assert issued.seat is not None
        assert issued.seat in page
        assert issued.code in page.replace(" ", "").replace("\n", "")


def test_the_same_facts_give_the_same_bytes_in_another_process() -> None:
    """A replay writes the file again; other bytes would break the hash that was announced.

    The processes have no Pillow, as the bundle has none, and take every warning for an error.
    """
    program = (
        "import sys\n"
        "sys.modules['PIL'] = None\n"
        "import hashlib\n"
        "from services.tickets import document, domain\n"
        "from shared import ids\n"
        "from shared.money import Money\n"
        "from datetime import UTC, datetime\n"
        "at = datetime(2026, 9, 1, 12, tzinfo=UTC)\n"
        "event = domain.EventFacts(event_id=ids.new_id('evt', at, bytes(10)), version=1, organiser_id='o',"
        " organiser_name='O', name='Dvo\\u0159\\u00e1k \\uc11c\\uc6b8', starts_at=at, doors_at=None,"
        " time_zone='Europe/Berlin', venue_name='V', venue_city='C')\n"
        "ticket = domain.Ticket(ticket_id=ids.new_id('tkt', at, bytes(10)), order_id='o', event_id=event.event_id,"
        " organiser_id='o', person_id='p', section=None, row=None, seat=None, ticket_type_name='T',"
        " price=Money(1, 'EUR'), code='ST1ABC')\n"
        "print(hashlib.sha256(document.render(event, [ticket], at=at)).hexdigest())\n"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "name",
    [
        "Dvořák: Die Walküre, à la façon de Čapek",
        "서울시립교향악단 정기연주회",
        "北京交響樂團 「第九」",
        "Ночь в опере: Πέρσες",
        "🎉 Party 👩‍👩‍👧 \x00\x1b[31m\u202eevil\ud800",
        "A " * 200,
        "W" * 300,
        "",
        "\n\t ",
    ],
)
def test_no_name_breaks_the_document(name: str) -> None:
    event = facts(name=name, venue_name=name, organiser_name=name)
    pages = text_of(document.render(event, [ticket(event, section=name, ticket_type_name=name)], at=AT))
    assert len(pages) == 1


def test_letters_beyond_the_first_font_are_written_not_dropped() -> None:
    event = facts(name="서울 京都 Dvořák")
    (page,) = text_of(document.render(event, [ticket(event)], at=AT))
    for word in ("서울", "京都", "Dvořák"):
        assert word in page


def test_general_admission_names_no_seat() -> None:
    event = facts()
    (page,) = text_of(document.render(event, [ticket(event, section=None, row=None, seat=None)], at=AT))
    assert "General admission" in page
    assert "SEAT" not in page


def test_the_time_is_the_venues_not_the_readers() -> None:
    at = datetime(2027, 3, 14, 6, 30, tzinfo=UTC)
    assert (document.local_date(at, "America/New_York"), document.local_time(at, "America/New_York")) == (
        "Sunday, 14 March 2027",
        "01:30 EST",
    )
    # Forty minutes later the clocks have gone forward.
    assert document.local_time(datetime(2027, 3, 14, 7, 10, tzinfo=UTC), "America/New_York") == "03:10 EDT"


def test_the_qr_symbol_is_a_picture_of_moderate_density() -> None:
    code = ticket(facts()).code
    picture = ElementTree.fromstring(document.qr_svg(code))
    assert picture.tag.endswith("svg")
    symbol = segno.make_qr(code, error="m", boost_error=False)
    assert symbol.mode == "alphanumeric"
    # Version 10 has 57 modules a side: over a millimetre each on paper, and no trouble for an old telephone.
    assert int(str(symbol.version)) <= 10
