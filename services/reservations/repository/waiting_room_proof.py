"""The proof of being no machine: any provider with a `siteverify` address (hCaptcha, reCAPTCHA, Turnstile) will do."""

from __future__ import annotations

from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec

from services.reservations.settings import settings
from shared.data import Unavailable

_TIMEOUT_SECONDS: Final = 3.0
_ANSWER_BYTES_MAX: Final = 65_536


class _Verdict(msgspec.Struct):
    success: bool = False


def proof_wanted() -> bool:
    """Whether this house asks for a proof: where an address to verify it at is set."""
    return settings().siteverify_url is not None


def proof_holds(proof: str, source_ip: str) -> bool:
    """Whether the provider accepts the proof. Raises Unavailable when it does not answer sensibly in time."""
    form = {"secret": _secret(), "response": proof}
    if source_ip:
        form["remoteip"] = source_ip
    request = Request(str(settings().siteverify_url), data=urlencode(form).encode(), method="POST")
    try:
        with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            return _read(answer)
    except (URLError, OSError, msgspec.MsgspecError) as error:
        raise Unavailable("the provider of the challenge gives no answer") from error


def _read(answer: Any) -> bool:
    return msgspec.json.decode(answer.read(_ANSWER_BYTES_MAX), type=_Verdict).success


def _secret() -> str:
    secret = settings().siteverify_secret
    return secret.reveal() if secret is not None else ""
