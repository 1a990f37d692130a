"""The mails that arrived, each a file of its own, as it came over the wire."""

from __future__ import annotations

import email
import email.policy
import re
import threading
import time
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

# Beyond it the oldest go: a load test must not fill the disk with mails.
LETTERS_MAX = 1000
_ID = re.compile(r"[0-9]{19}-[0-9]{4}")


@dataclass(frozen=True)
class Letter:
    """One mail. `recipients` are the addresses it was delivered to, whatever its own header says."""

    id: str
    raw: bytes
    recipients: tuple[str, ...]

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def attachments(self) -> list[EmailMessage]:
        """The parts a mail program would offer as files."""
        return [part for part in self.message.iter_attachments() if isinstance(part, EmailMessage)]

    def text(self) -> str:
        """The words of the mail, without its form."""
        body = self.message.get_body(preferencelist=("plain", "html"))
        return str(body.get_content()) if body is not None else ""

    def summary(self) -> dict[str, object]:
        """What a list of mails shows of it."""
        message = self.message
        return {
            "id": self.id,
            "from": str(message["from"]),
            "to": list(self.recipients),
            "subject": str(message["subject"]),
            "received_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(self.id[:10]))),
            "attachments": [part.get_filename() or part.get_content_type() for part in self.attachments()],
        }


class Letters:
    """The mails in a folder, the newest first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._count = 0
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, raw: bytes, recipients: list[str]) -> str:
        """Keeps a mail; answers its id. The file gets its name when it is whole, so nobody reads half a mail."""
        with self._lock:
            self._count = (self._count + 1) % 10_000
            letter_id = f"{time.time_ns():019d}-{self._count:04d}"
        unfinished = self._folder / f"{letter_id}.part"
        unfinished.write_bytes("\n".join(recipients).encode() + b"\n\n" + raw)
        unfinished.rename(self._folder / f"{letter_id}.eml")
        for old in self._ids()[LETTERS_MAX:]:
            (self._folder / f"{old}.eml").unlink(missing_ok=True)
        return letter_id

    def newest(self, number: int = 200) -> list[Letter]:
        """The newest mails."""
        return [letter for letter_id in self._ids()[:number] if (letter := self.get(letter_id)) is not None]

    def get(self, letter_id: str) -> Letter | None:
        """A mail by its id, or None. An id that is none is not looked for, as it comes from an address line."""
        if not _ID.fullmatch(letter_id):
            return None
        try:
            content = (self._folder / f"{letter_id}.eml").read_bytes()
        except FileNotFoundError:
            return None
        recipients, _, raw = content.partition(b"\n\n")
        return Letter(letter_id, raw, tuple(recipients.decode().split("\n")))

    def _ids(self) -> list[str]:
        return sorted((path.stem for path in self._folder.glob("*.eml")), reverse=True)
