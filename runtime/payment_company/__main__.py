"""`python -m runtime.payment_company --port N --state DIR --webhook-url URL`: the payment company as a process.

TEST_PROVIDER_API_KEY and TEST_PROVIDER_WEBHOOK_SECRET come from the environment, never from the command line, where
every process of the machine could read them.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from runtime.payment_company.books import CHECKOUT_SECONDS, Books, Mischief
from runtime.payment_company.server import PaymentCompany


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns 2 when the environment lacks a secret."""
    parser = argparse.ArgumentParser(prog="payment_company", description="A payment company to test with.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps the company's books")
    parser.add_argument("--webhook-url", default="", help="where webhooks go; without it none are sent")
    parser.add_argument("--merchant", default="Stagedoor", help="the name buyers see")
    parser.add_argument("--checkout-seconds", type=float, default=CHECKOUT_SECONDS, help="how long a page can be paid")
    parser.add_argument("--duplicate-webhooks", type=int, default=1, help="how often each webhook is delivered")
    parser.add_argument("--shuffle-webhooks-seconds", type=float, default=0.0, help="webhooks come in any order within")
    options = parser.parse_args(arguments)
    missing = [name for name in ("TEST_PROVIDER_API_KEY", "TEST_PROVIDER_WEBHOOK_SECRET") if not os.environ.get(name)]
    if missing:
        print(f"The payment company cannot start: set {', '.join(missing)} in the environment.", file=sys.stderr)
        return 2
    books = Books(
        options.state / "company.sqlite3",
        checkout_seconds=options.checkout_seconds,
        mischief=Mischief(max(1, options.duplicate_webhooks), max(0.0, options.shuffle_webhooks_seconds)),
    )
    company = PaymentCompany(
        books,
        port=options.port,
        api_key=os.environ["TEST_PROVIDER_API_KEY"],
        webhook_secret=os.environ["TEST_PROVIDER_WEBHOOK_SECRET"],
        webhook_url=options.webhook_url,
        merchant=options.merchant,
    )
    # From a thread, because the server can only be stopped from outside the one that serves.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=company.stop).start())
    print(f"The payment company is up at {company.address}", flush=True)
    company.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
