"""How a session is shown to who has just begun, or kept, it."""

from __future__ import annotations

from services.accounts.schemas import SessionView
from services.accounts.use_cases import SignedIn


def session_view(signed_in: SignedIn) -> SessionView:
    """The session with the tokens just given out for it."""
    return SessionView(
        session_id=signed_in.session.session_id,
        person_id=signed_in.person.person_id,
        token_type="Bearer",
        access_token=signed_in.access.token,
        expires_at=signed_in.access.expires_at,
        refresh_token=signed_in.refresh.text,
        refresh_expires_at=signed_in.session.runs_out_at,
    )
