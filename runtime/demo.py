"""One sale, played against the HTTP address the way a client would, with every step printed.

`make demo` runs it. It talks REST only: nothing of the product is imported, so what it shows is what a client sees.
It exits with 1 at the first step whose answer differs from what a buyer, an organiser or a scanner should get.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import io
import json
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pypdf import PdfReader

T = TypeVar("T")
WAIT_SECONDS_MAX = 30.0
SEATS_PER_ROW = 20


class Differs(Exception):
    """A step gave something else than it should have."""


class Stage:
    """The demo's client: the address under test, the mailbox, and the printing of steps."""

    def __init__(self, address: str, mailbox_url: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=20.0)
        self.mailbox_url = mailbox_url
        self.steps_done = 0

    def step(self, sentence: str, *details: str) -> None:
        self.steps_done += 1
        print(f"{self.steps_done:2d}. {sentence}", flush=True)
        for detail in details:
            print(f"      {detail}", flush=True)

    def call(
        self,
        method: str,
        path: str,
        *,
        status: int,
        token: str | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Sends one request. Raises Differs when the status is another than the one expected."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        answer = self.http.request(method, path, json=body, headers=sent)
        if answer.status_code != status:
            raise Differs(f"{method} {path} answered {answer.status_code} instead of {status}: {answer.text[:600]}")
        return answer

    def wait_for(self, what: str, look: Callable[[], T | None]) -> T:
        """Looks again until there is something to return. Raises Differs at the deadline."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(0.1)
        raise Differs(f"{what} did not happen within {WAIT_SECONDS_MAX:.0f} s")


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Differs(otherwise)


def sign_up(stage: Stage, name: str, role: str) -> tuple[str, str]:
    """A new person. Returns the e-mail address and the password."""
    address, password = f"{role}.{secrets.token_hex(5)}@example.com", secrets.token_urlsafe(18)
    stage.call("POST", "/v1/people", status=201, body={"email": address, "password": password, "name": name})
    return address, password


def sign_in(stage: Stage, address: str, password: str) -> str:
    answer = stage.call("POST", "/v1/sessions", status=201, body={"email": address, "password": password})
    return str(answer.json()["access_token"])


def open_shop(stage: Stage) -> tuple[str, str, str]:
    """An organiser with a scanner on the team. Returns the organiser's id and both access tokens."""
    owner, owner_password = sign_up(stage, "Olive Owner", "organiser")
    token = sign_in(stage, owner, owner_password)
    organiser = stage.call("POST", "/v1/organisers", status=201, token=token, body={"name": "Demo Concerts"}).json()
    organiser_id = organiser["organiser_id"]
    scanner, scanner_password = sign_up(stage, "Sam Scanner", "scanner")
    token = sign_in(stage, owner, owner_password)
    members = f"/v1/organisers/{organiser_id}/members"
    stage.call("POST", members, status=201, token=token, body={"email": scanner, "role": "scanner"})
    return organiser_id, token, sign_in(stage, scanner, scanner_password)


def publish_event(stage: Stage, organiser_id: str, token: str) -> dict[str, Any]:
    venue = stage.call(
        "POST",
        "/v1/venues",
        status=201,
        token=token,
        body={"organiser_id": organiser_id, "name": "Demo Hall", "city": "New York", "time_zone": "America/New_York"},
    ).json()
    seat_map = stage.call(
        "POST",
        "/v1/seat-maps",
        status=201,
        token=token,
        body={
            "organiser_id": organiser_id,
            "venue_id": venue["venue_id"],
            "name": "Stalls",
            "sections": [
                {
                    "name": "Stalls",
                    "rows": [{"name": row, "first": 1, "last": SEATS_PER_ROW, "zone": "A"} for row in "ABCDE"],
                }
            ],
        },
    ).json()
    starts_at = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    draft = stage.call(
        "POST",
        "/v1/events",
        status=201,
        token=token,
        body={
            "organiser_id": organiser_id,
            "name": "An Evening of Demonstrations",
            "venue_id": venue["venue_id"],
            "starts_at": starts_at.isoformat().replace("+00:00", "Z"),
            "currency": "USD",
            "pools": [{"name": "Stalls", "kind": "seated", "seat_map_id": seat_map["seat_map_id"]}],
            "ticket_types": [
                {"name": "Standard", "price": {"amount": 4500, "currency": "USD"}, "pool": "Stalls", "zone": "A"}
            ],
        },
    ).json()
    event_id = draft["event_id"]
    event = stage.call("POST", f"/v1/events/{event_id}/publication", status=200, token=token).json()
    stage.step(
        "The organiser signs in and publishes an event.", f"{event['name']} ({event_id}), 100 seats at 45.00 USD"
    )
    return dict(event)


def hold_and_order(stage: Stage, event: dict[str, Any], token: str) -> dict[str, Any]:
    event_id, ticket_type_id = event["event_id"], event["ticket_types"][0]["ticket_type_id"]
    stage.wait_for(
        "the event going on sale",
        lambda: stage.http.get(f"/v1/availability/{event_id}").status_code == 200 or None,
    )
    hold = stage.call(
        "POST",
        "/v1/holds",
        status=201,
        token=token,
        headers={"Idempotency-Key": secrets.token_hex(16)},
        body={"event_id": event_id, "lines": [{"ticket_type_id": ticket_type_id, "quantity": 2}]},
    ).json()
    seats = [f"{place['section']} {place['row']}{place['seat']}" for place in hold["places"]]
    expect(len(seats) == 2, f"two seats were asked for, {len(seats)} were held")
    stage.step("The buyer holds two seats together.", f"{' and '.join(seats)}, kept until {hold['expires_at']}")

    key = secrets.token_hex(16)
    body = {"hold_token": hold["hold_token"]}
    order = stage.call(
        "POST", "/v1/orders", status=201, token=token, headers={"Idempotency-Key": key}, body=body
    ).json()
    again = stage.call(
        "POST", "/v1/orders", status=201, token=token, headers={"Idempotency-Key": key}, body=body
    ).json()
    expect(again["order_id"] == order["order_id"], "the same Idempotency-Key made a second order")
    stage.step(
        "The buyer orders; the same request sent again gives the same order.",
        f"{order['order_id']}, {order['state']}, {order['total']['amount'] / 100:.2f} {order['total']['currency']}",
    )
    return dict(order)


def pay(stage: Stage, order: dict[str, Any], token: str) -> None:
    payment = stage.call(
        "POST",
        "/v1/payments",
        status=201,
        token=token,
        headers={"Idempotency-Key": secrets.token_hex(16)},
        body={"order_token": order["order_token"]},
    ).json()
    checkout_url = payment["checkout_url"]
    with httpx.Client(timeout=20.0, follow_redirects=False) as company:
        page = company.get(checkout_url)
        expect(page.status_code == 200 and "html" in page.headers["content-type"], "the checkout page did not open")
        paid = company.post(f"{checkout_url}/pay", data={"card": "4242424242424242"})
    expect(paid.status_code == 303, f"paying answered {paid.status_code} instead of a redirect: {paid.text[:300]}")
    back = urlsplit(paid.headers["location"])
    stage.step(
        "The buyer pays on the payment company's page and is sent back.",
        f"{checkout_url}  →  303  {back.scheme}://{back.netloc}{back.path}",
    )

    def confirmed() -> dict[str, Any] | None:
        seen = stage.call("GET", f"/v1/orders/{order['order_id']}", status=200, token=token).json()
        expect(seen["state"] in ("pending", "paid", "confirmed"), f"the order became {seen['state']}")
        return seen if seen["state"] == "confirmed" else None

    stage.wait_for("the order's confirmation", confirmed)
    stage.step("Webhook, order_paid, hold_confirmed: the order is confirmed.")


def collect_tickets(stage: Stage, order: dict[str, Any], token: str) -> list[dict[str, Any]]:
    order_id = order["order_id"]

    def issued() -> list[dict[str, Any]] | None:
        items = stage.call("GET", f"/v1/tickets?order_id={order_id}", status=200, token=token).json()["items"]
        return list(items) if len(items) == 2 else None

    tickets = stage.wait_for("the tickets' issue", issued)
    for ticket in tickets:
        picture = stage.call("GET", f"/v1/tickets/{ticket['ticket_id']}/qr", status=200, token=token)
        expect("<svg" in picture.text, "the QR code is not an SVG picture")
    document = stage.call("GET", f"/v1/ticket-documents/{order_id}", status=200, token=token)
    pages = len(PdfReader(io.BytesIO(document.content)).pages)
    expect(pages == 2, f"the PDF has {pages} pages instead of 2")
    stage.step(
        "Two signed tickets are issued, with QR codes and a PDF.",
        *[f"{ticket['ticket_id']}  {ticket['code'][:44]}…" for ticket in tickets],
    )
    return tickets


def read_mail(stage: Stage, recipient: str) -> None:
    def arrived() -> email.message.EmailMessage | None:
        for summary in httpx.get(f"{stage.mailbox_url}/messages", timeout=20.0).json():
            if recipient in summary["to"]:
                raw = httpx.get(f"{stage.mailbox_url}/messages/{summary['id']}", timeout=20.0).content
                parsed = email.message_from_bytes(raw, policy=email.policy.default)
                assert isinstance(parsed, email.message.EmailMessage)
                return parsed
        return None

    mail = stage.wait_for("the mail's arrival", arrived)
    attached = [part for part in mail.iter_attachments() if part.get_content_type() == "application/pdf"]
    expect(len(attached) == 1, "the mail carries no PDF")
    pages = len(PdfReader(io.BytesIO(attached[0].get_content())).pages)
    expect(pages == 2, f"the mailed PDF has {pages} pages instead of 2")
    stage.step("The mail arrives with the PDF.", f"“{mail['subject']}” to {mail['to']}")


def scan(stage: Stage, organiser: tuple[str, str, str], event_id: str, tickets: list[dict[str, Any]]) -> None:
    organiser_id, owner_token, scanner_token = organiser
    gate = stage.call(
        "POST",
        "/v1/gates",
        status=201,
        token=owner_token,
        body={"organiser_id": organiser_id, "event_id": event_id, "name": "Main door"},
    ).json()
    for ticket in tickets:
        body = {"code": ticket["code"], "gate_id": gate["gate_id"], "direction": "in"}
        stage.call("POST", "/v1/admissions", status=201, token=scanner_token, body=body)
    stage.step("The door scans both tickets: welcome.")
    body = {"code": tickets[0]["code"], "gate_id": gate["gate_id"], "direction": "in"}
    refusal = stage.call("POST", "/v1/admissions", status=409, token=scanner_token, body=body).json()
    expect(refusal["reason"] == "already_admitted", f"the second scan was refused as {refusal.get('reason')}")
    stage.step("A second scan of the same ticket is refused.", f"{refusal['reason']}: {refusal['detail']}")


def check_sales(stage: Stage, event_id: str, token: str) -> None:
    def moved() -> dict[str, Any] | None:
        answer = stage.http.get(f"/v1/reports/events/{event_id}/sales", headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 200:
            return None
        sales = answer.json()
        return sales if (sales["sold"], sales["revenue"]["amount"], sales["admitted"]) == (2, 9000, 2) else None

    sales = stage.wait_for("the sales figures' moving", moved)
    stage.step(
        "The organiser's sales figures have moved.",
        f"{sales['sold']} sold, {sales['revenue']['amount'] / 100:.2f} {sales['revenue']['currency']}, "
        f"{sales['admitted']} admitted",
    )


def play(stage: Stage) -> None:
    organiser = open_shop(stage)
    event = publish_event(stage, organiser[0], organiser[1])
    buyer, password = sign_up(stage, "Bea Buyer", "buyer")
    token = sign_in(stage, buyer, password)
    stage.step("A buyer signs up and signs in.", buyer)
    order = hold_and_order(stage, event, token)
    pay(stage, order, token)
    tickets = collect_tickets(stage, order, token)
    read_mail(stage, buyer)
    scan(stage, organiser, event["event_id"], tickets)
    check_sales(stage, event["event_id"], organiser[1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Plays one sale against a running Stagedoor.")
    parser.add_argument("--environment", default=".state/environment.json", help="what `make up` wrote down")
    environment = json.loads(Path(parser.parse_args().environment).read_text())
    started = time.monotonic()
    try:
        play(Stage(environment["PUBLIC_URL"], environment["MAILBOX_URL"]))
    except Differs as difference:
        print(f"The demo stopped: {difference}", file=sys.stderr)
        return 1
    print(f"The sale went through from end to end in {time.monotonic() - started:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
