"""`python -m runtime.mailbox`: takes mails by SMTP and shows them by HTTP until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from runtime.mailbox.letters import Letters
from runtime.mailbox.receiving import Receiver
from runtime.mailbox.showing import Window


def main() -> int:
    """Serves until SIGTERM or SIGINT; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m runtime.mailbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where mails are shown")
    parser.add_argument("--mail-port", type=int, required=True, help="where mails are taken")
    parser.add_argument("--state", type=Path, required=True, help="the folder they are kept in")
    arguments = parser.parse_args()
    letters = Letters(arguments.state)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Receiver(arguments.mail_port, letters) as receiver, Window(arguments.port, letters) as window:
        for server in (receiver, window):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        stop.wait()
        for server in (receiver, window):
            server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
