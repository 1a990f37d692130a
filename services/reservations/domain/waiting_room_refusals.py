"""Why the waiting room says no."""

from __future__ import annotations

from datetime import datetime

from services.reservations.domain.refusals import Refusal


class WaitingRoomUnknown(Refusal):
    """The event has no waiting room."""

    def __init__(self) -> None:
        super().__init__("The event has no waiting room.")


class WaitingRoomOpened(Refusal):
    """The room has opened, so its opening cannot be moved: people came, and were put in order, by that time."""

    def __init__(self, opens_at: datetime) -> None:
        super().__init__("The waiting room has opened; its opening cannot be moved.", "$.opens_at", opens_at=opens_at)


class WaitingRoomEnded(Refusal):
    """The organiser has done away with the room: there are no numbers any more, and holds need no Pass."""

    def __init__(self) -> None:
        super().__init__("The waiting room is over. Places can be held without a Pass.")


class WaitingRoomClosed(Refusal):
    """The room's store does not answer: nobody gets a new number. The numbers given out stay good."""

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__(
            "The waiting room is closed for a moment. Numbers given out stay good.", retry_after=retry_after
        )


class NumberUnknown(Refusal):
    """The number is none of ours, or another event's, or another person's."""

    def __init__(self) -> None:
        super().__init__("This number was not given out here, or to another person, or for another event.", "$.number")


class NotServedYet(Refusal):
    """It is not this number's turn."""

    def __init__(self, rank: int | None, serving: int, retry_after: int) -> None:
        super().__init__("It is not your turn yet.", "$.number", rank=rank, serving=serving, retry_after=retry_after)


class PassRequired(Refusal):
    """The event has a waiting room, and this request does not come with a Pass that is good for it now."""

    def __init__(self, detail: str, opens_at: datetime) -> None:
        super().__init__(detail, "Pass", opens_at=opens_at)


class ProofRequired(Refusal):
    """Whoever wants a number must show that they are no machine."""

    def __init__(self) -> None:
        super().__init__("Solve the challenge first, and send what it gives.", "$.proof")


class ProofInvalid(Refusal):
    """The provider of the challenge does not accept the proof: it is not its own, too old, or was used before."""

    def __init__(self) -> None:
        super().__init__("The challenge was not solved, or its proof is too old. Solve it again.", "$.proof")
