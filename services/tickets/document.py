"""The PDF of an order's tickets: one page for each, the same bytes whenever it is made from the same facts.

DejaVu Sans writes Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian and Georgian; Droid Sans Fallback is opened only for
what DejaVu lacks, chiefly Chinese, Japanese and Korean. Both lie in `fonts/` beside this file, with their licences.
"""

from __future__ import annotations

import io
import unicodedata
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from zoneinfo import ZoneInfo

from services.tickets.domain import EventFacts, Ticket
from shared import money

if TYPE_CHECKING:
    from fpdf import FPDF

FONTS: Final = Path(__file__).parent / "fonts"

# A5 upright, in millimetres: readable on a phone, and two to a sheet on a printer.
_WIDTH: Final = 148.0
_HEIGHT: Final = 210.0
_MARGIN: Final = 12.0
_BAND: Final = 62.0
_QR_SIDE: Final = 68.0

_INK: Final = (24, 24, 40)
_BAND_COLOUR: Final = (36, 31, 74)
_PALE: Final = (214, 210, 238)
_GREY: Final = (110, 110, 125)
_LINE: Final = (205, 205, 215)


def render(event: EventFacts, tickets: Sequence[Ticket], *, at: datetime) -> bytes:
    """The PDF of these tickets of one event. `at` is the time of the sale, written as the document's own date."""
    with warnings.catch_warnings():
        # The bundle leaves Pillow out, since nothing here is a picture, and fpdf2 would say so at every cold start.
        warnings.simplefilter("ignore")
        from fpdf import FPDF

    pdf = FPDF(orientation="portrait", unit="mm", format=(_WIDTH, _HEIGHT))
    pdf.set_auto_page_break(False)
    pdf.set_margins(0, 0, 0)
    pdf.set_creation_date(at)
    pdf.set_title(f"Tickets: {_printable(event.name)}")
    pdf.set_author(_printable(event.organiser_name))
    pdf.set_creator("Stagedoor")
    pdf.add_font("sans", "", FONTS / "DejaVuSans.ttf")
    pdf.add_font("sans", "B", FONTS / "DejaVuSans-Bold.ttf")
    _open_fallback(pdf, event, tickets)
    for number, ticket in enumerate(tickets, start=1):
        _page(pdf, event, ticket, number, len(tickets))
    return bytes(pdf.output())


def qr_svg(code: str) -> bytes:
    """The code as a QR symbol in SVG, with its quiet zone."""
    import segno

    out = io.BytesIO()
    segno.make_qr(code, error="m", boost_error=False).save(
        out, kind="svg", border=4, scale=6, xmldecl=False, light="#fff", dark="#000"
    )
    return out.getvalue()


def local_date(at: datetime, time_zone: str) -> str:
    """The day as the venue's calendar has it: `Friday, 14 March 2025`."""
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local:%A}, {local.day} {local:%B %Y}"


def local_time(at: datetime, time_zone: str) -> str:
    """The time as the venue's clock has it: `19:30 EDT`."""
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local:%H:%M} {local.tzname()}"


def _page(pdf: FPDF, event: EventFacts, ticket: Ticket, number: int, count: int) -> None:
    pdf.add_page()
    _band(pdf, event)
    _place(pdf, ticket)
    _qr(pdf, ticket.code)
    _foot(pdf, event, ticket, number, count)


def _band(pdf: FPDF, event: EventFacts) -> None:
    pdf.set_fill_color(*_BAND_COLOUR)
    pdf.rect(0, 0, _WIDTH, _BAND, style="F")
    pdf.set_text_color(*_PALE)
    _line(pdf, 9.0, 8, event.organiser_name.upper())
    pdf.set_text_color(255, 255, 255)
    _title(pdf, 15.5, event.name)
    starts = f"{local_date(event.starts_at, event.time_zone)}, {local_time(event.starts_at, event.time_zone)}"
    _line(pdf, 39.5, 11, starts, "B")
    venue = ", ".join(part for part in (event.venue_name, event.venue_city) if part)
    _line(pdf, 46.5, 10, venue)
    if event.doors_at is not None:
        pdf.set_text_color(*_PALE)
        _line(pdf, 53.0, 8.5, f"Doors open at {local_time(event.doors_at, event.time_zone)}")


def _place(pdf: FPDF, ticket: Ticket) -> None:
    if ticket.seat is None:
        cells = [("Admission", "General admission", 1.0)]
    else:
        cells = [
            ("Section", ticket.section or "-", 0.56),
            ("Row", ticket.row or "-", 0.22),
            ("Seat", ticket.seat, 0.22),
        ]
    _cells(pdf, _BAND + 6.0, cells, 17)
    sold_as = [("Ticket", ticket.ticket_type_name, 0.56), ("Price", money.written(ticket.price), 0.44)]
    _cells(pdf, _BAND + 25.0, sold_as, 12)
    pdf.set_draw_color(*_LINE)
    pdf.set_line_width(0.25)
    pdf.set_dash_pattern(dash=1.2, gap=1.2)
    pdf.line(_MARGIN, _BAND + 42.5, _WIDTH - _MARGIN, _BAND + 42.5)
    pdf.set_dash_pattern()


def _cells(pdf: FPDF, top: float, cells: Sequence[tuple[str, str, float]], size: float) -> None:
    left = _MARGIN
    for name, value, share in cells:
        width = (_WIDTH - 2 * _MARGIN) * share
        pdf.set_text_color(*_GREY)
        pdf.set_font("sans", "", 7.5)
        pdf.set_xy(left, top)
        pdf.cell(width, 4, name.upper())
        pdf.set_text_color(*_INK)
        _fitting(pdf, left, top + 4.6, width - 2.0, value, size, "B")
        left += width


def _qr(pdf: FPDF, code: str) -> None:
    """The symbol as one shape: sharp at any size, without seams, and without a library for pictures."""
    import segno

    matrix = segno.make_qr(code, error="m", boost_error=False).matrix
    # Four modules of quiet zone on each side are part of the symbol's room.
    module = _QR_SIDE / (len(matrix) + 8)
    left, top = (_WIDTH - _QR_SIDE) / 2 + 4 * module, _BAND + 44.5 + 4 * module
    with pdf.new_path() as path:
        path.style.fill_color = "#000000"
        path.style.stroke_color = None
        for number, row in enumerate(matrix):
            for start, length in _dark_runs(row):
                path.rectangle(left + start * module, top + number * module, length * module, module)


def _dark_runs(row: Sequence[int]) -> list[tuple[int, int]]:
    """Where dark modules begin in a row, and how many follow each other."""
    runs: list[tuple[int, int]] = []
    for place, dark in enumerate(row):
        if dark and place and row[place - 1]:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif dark:
            runs.append((place, 1))
    return runs


def _foot(pdf: FPDF, event: EventFacts, ticket: Ticket, number: int, count: int) -> None:
    pdf.set_text_color(*_GREY)
    pdf.set_font("sans", "", 5.6)
    top = _BAND + 45.5 + _QR_SIDE
    for row in _rows(ticket.code, 64):
        pdf.set_xy(_MARGIN, top)
        pdf.cell(_WIDTH - 2 * _MARGIN, 2.7, " ".join(_rows(row, 8)), align="C")
        top += 2.7
    pdf.set_text_color(*_INK)
    pdf.set_font("sans", "B", 8)
    pdf.set_xy(_MARGIN, _HEIGHT - 18.0)
    pdf.cell(_WIDTH - 2 * _MARGIN, 4, f"Ticket {number} of {count}", align="C")
    pdf.set_text_color(*_GREY)
    pdf.set_font("sans", "", 7)
    advice = "Admits one. Show this code at the door; each code enters once."
    for offset, text in ((13.4, ticket.ticket_id), (9.6, advice)):
        pdf.set_xy(_MARGIN, _HEIGHT - offset)
        pdf.cell(_WIDTH - 2 * _MARGIN, 4, text, align="C")


def _title(pdf: FPDF, top: float, text: str) -> None:
    """The event's name in at most two lines: smaller letters before cut words."""
    text = _printable(text)
    width = _WIDTH - 2 * _MARGIN
    lines: list[str] = []
    for size in (20.0, 17.0, 15.0, 13.0, 11.5):
        pdf.set_font("sans", "B", size)
        lines = _wrapped(pdf, width, text)
        if len(lines) <= 2:
            break
    else:
        lines = [lines[0], lines[1].rstrip()[:-1] + "…"]
    step = size * 0.46
    # One line sits in the middle of the room for two.
    offset = (22.0 - step * len(lines)) / 2
    for number, line in enumerate(lines):
        pdf.set_xy(_MARGIN, top + offset + number * step)
        pdf.cell(width, step, line)


def _wrapped(pdf: FPDF, width: float, text: str) -> list[str]:
    # fpdf2 types its answer as everything it might be asked for.
    return cast(list[str], pdf.multi_cell(width, 5, text, dry_run=True, output="LINES", align="L"))


def _line(pdf: FPDF, top: float, size: float, text: str, style: str = "") -> None:
    _fitting(pdf, _MARGIN, top, _WIDTH - 2 * _MARGIN, text, size, style)


def _fitting(pdf: FPDF, left: float, top: float, width: float, text: str, size: float, style: str) -> None:
    """One line that becomes smaller down to 6 points, and is then cut, rather than running out of its room."""
    text = _printable(text)
    height = size * 0.45
    pdf.set_font("sans", style, size)
    while pdf.get_string_width(text) > width and size > 6:
        size -= 0.5
        pdf.set_font("sans", style, size)
    while pdf.get_string_width(text) > width and len(text) > 1:
        text = text[:-2] + "…"
    pdf.set_xy(left, top)
    pdf.cell(width, height, text)


def _open_fallback(pdf: FPDF, event: EventFacts, tickets: Sequence[Ticket]) -> None:
    texts = [event.name, event.organiser_name, event.venue_name, event.venue_city]
    for ticket in tickets:
        texts += [ticket.section or "", ticket.row or "", ticket.seat or "", ticket.ticket_type_name]
    known = set(getattr(pdf.fonts["sans"], "cmap", ()))
    if any(ord(letter) not in known for letter in _printable("".join(texts).upper() + "".join(texts))):
        pdf.add_font("wide", "", FONTS / "DroidSansFallback.ttf")
        # It has one weight: bold text takes the plain letters rather than none.
        pdf.set_fallback_fonts(["wide"], exact_match=False)


def _printable(text: str) -> str:
    """The text without control characters, pictographs and other letters that neither font can write."""
    composed = unicodedata.normalize("NFC", text)
    plain = "".join(" " if letter in "\t\r\n" else letter for letter in composed)
    kept = "".join(letter for letter in plain if not _is_unwritable(letter))
    return " ".join(kept.split()) or "-"


def _is_unwritable(letter: str) -> bool:
    # Category C holds controls and private letters; beyond the basic plane are pictographs and rare ideographs.
    return unicodedata.category(letter).startswith("C") or ord(letter) > 0xFFFF


def _rows(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text), length)]
