"""Takes mails by SMTP: as much of RFC 5321 as a relay on the same machine speaks."""

from __future__ import annotations

import socketserver

from runtime.mailbox.letters import Letters

LETTER_BYTES_MAX = 20_000_000
_LINE_BYTES_MAX = 1_000_000
_SILENT_SECONDS_MAX = 30.0


class Receiver(socketserver.ThreadingTCPServer):
    """The SMTP server, on the loopback address alone."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, letters: Letters) -> None:
        self.letters = letters
        super().__init__(("127.0.0.1", port), _Conversation)


class _Conversation(socketserver.StreamRequestHandler):
    """One connection, which may bring several mails."""

    server: Receiver
    timeout = _SILENT_SECONDS_MAX

    def handle(self) -> None:
        recipients: list[str] = []
        self._say("220 stagedoor mailbox")
        while line := self.rfile.readline(_LINE_BYTES_MAX):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    self._say("250 stagedoor")
                case "MAIL":
                    recipients = []
                    self._say("250 go on")
                case "RCPT":
                    recipients.append(rest.partition(":")[2].strip().split(" ")[0].strip("<>"))
                    self._say("250 go on")
                case "DATA":
                    self._take(recipients)
                    recipients = []
                case "RSET" | "NOOP":
                    recipients = []
                    self._say("250 well")
                case "QUIT":
                    self._say("221 goodbye")
                    return
                case _:
                    self._say("502 that is not spoken here")

    def _take(self, recipients: list[str]) -> None:
        if not recipients:
            self._say("503 for whom?")
            return
        self._say("354 end it with a line that is a dot")
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(_LINE_BYTES_MAX)) not in (b".\r\n", b".\n", b""):
            size += len(line)
            # What is too big is read to its end, or its rest would be taken for commands.
            if size <= LETTER_BYTES_MAX:
                lines.append(line[1:] if line.startswith(b"..") else line)
        if not line:
            return
        if size > LETTER_BYTES_MAX:
            self._say("552 too big")
            return
        self.server.letters.keep(b"".join(lines), recipients)
        self._say("250 kept")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
