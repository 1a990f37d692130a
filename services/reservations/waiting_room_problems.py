"""Every refusal of the waiting room as HTTP tells it."""

from __future__ import annotations

from typing import Final

from services.reservations.domain import waiting_room_refusals as refusals

WAITING_ROOM_PROBLEMS: Final[dict[type[Exception], tuple[int, str, str]]] = {
    refusals.WaitingRoomUnknown: (404, "not-found", "There is no such waiting room"),
    refusals.WaitingRoomOpened: (409, "waiting-room-opened", "The waiting room has opened"),
    refusals.WaitingRoomEnded: (409, "waiting-room-ended", "The waiting room is over"),
    refusals.WaitingRoomClosed: (503, "waiting-room-closed", "The waiting room is closed for a moment"),
    refusals.NumberUnknown: (422, "number-unknown", "The number is not this person's"),
    refusals.NotServedYet: (409, "not-served-yet", "It is not your turn yet"),
    refusals.PassRequired: (403, "pass-required", "A Pass is needed"),
    refusals.ProofRequired: (422, "proof-required", "Show that you are no machine"),
    refusals.ProofInvalid: (422, "proof-invalid", "The challenge was not solved"),
}
