"""Every refusal of reservations as HTTP tells it: status, slug of the problem's type, and title."""

from __future__ import annotations

from typing import Final

from services.reservations.domain import refusals
from services.reservations.domain import waiting_list as waiting
from services.reservations.waiting_room_problems import WAITING_ROOM_PROBLEMS

PROBLEMS: Final[dict[type[Exception], tuple[int, str, str]]] = {
    **WAITING_ROOM_PROBLEMS,
    refusals.EventUnknown: (404, "not-found", "There is no such event"),
    refusals.QuantityOrSeats: (422, "quantity-or-seats", "A line has either a quantity or seats"),
    refusals.TicketTypeUnknown: (422, "ticket-type-unknown", "There is no such ticket type"),
    refusals.SeatUnknown: (422, "seat-unknown", "There is no such seat"),
    refusals.SeatNotInZone: (422, "seat-not-in-zone", "The seat costs another price"),
    refusals.SeatTwice: (422, "seat-twice", "The seat is in the basket twice"),
    refusals.TooManyPlaces: (422, "too-many-places", "Too many places for one order"),
    refusals.NotOnSale: (409, "not-on-sale", "The sale has not begun"),
    refusals.SaleEnded: (409, "sale-ended", "The sale is over"),
    refusals.PoolClosed: (409, "pool-closed", "These places are closed"),
    refusals.PoolUnknown: (404, "not-found", "There is no such pool"),
    refusals.WrongKind: (422, "validation-failed", "Something in the request is not acceptable"),
    refusals.RunRefused: (422, "validation-failed", "Something in the request is not acceptable"),
    refusals.PoolFull: (409, "pool-full", "The pool cannot have so many places"),
    refusals.BelowSold: (409, "below-sold", "More places are sold, held or withheld"),
    refusals.WithholdingUnknown: (404, "not-found", "There is no such withholding"),
    refusals.PlacesTaken: (409, "places-taken", "Somebody was faster"),
    refusals.SoldOut: (409, "sold-out", "Sold out"),
    refusals.AllHeld: (409, "all-held", "All places are in baskets"),
    refusals.TooFewLeft: (409, "too-few-left", "Too few places are left"),
    refusals.NotTogether: (409, "not-together", "Not so many places next to each other"),
    refusals.TypeSoldOut: (409, "type-sold-out", "This ticket type is sold out"),
    refusals.TypeAllHeld: (409, "type-all-held", "All of this ticket type are in baskets"),
    refusals.BuyerLimit: (409, "buyer-limit", "So many for one buyer"),
    refusals.VoucherUnknown: (422, "voucher-unknown", "There is no such voucher"),
    refusals.VoucherNotYet: (409, "voucher-not-yet", "The voucher cannot be used yet"),
    refusals.VoucherEnded: (409, "voucher-ended", "The voucher's time is over"),
    refusals.VoucherNotForThis: (422, "voucher-not-for-this", "The voucher is for other ticket types"),
    refusals.VoucherUsedUp: (409, "voucher-used-up", "The voucher is used up"),
    refusals.VoucherRequired: (403, "voucher-required", "A voucher is needed"),
    refusals.MembersOnly: (403, "members-only", "For the organiser's members"),
    refusals.GuestNotHere: (422, "guest-not-here", "No guest can be named here"),
    refusals.ZoneUnknown: (422, "zone-unknown", "There is no such zone"),
    refusals.AccessibleUnknown: (422, "accessible-unknown", "There are no such wheelchair places"),
    refusals.CompanionAlone: (422, "companion-alone", "A companion seat goes with a wheelchair place"),
    refusals.ReplacesAnother: (422, "replaces-another", "The hold is another event's"),
    refusals.ReplacesAndWithholding: (422, "replaces-and-withholding", "One or the other"),
    refusals.HoldExpired: (409, "hold-expired", "The hold has run out"),
    refusals.HoldExtended: (409, "hold-extended", "The hold was extended already"),
    refusals.Busy: (503, "busy", "Try again in a moment"),
    refusals.SameRequestInFlight: (409, "idempotency-key-in-flight", "The same request is being answered"),
    refusals.KeyOfAnotherRequest: (422, "idempotency-key-reused", "The key belongs to another request"),
    refusals.HoldUnknown: (404, "not-found", "There is no such hold"),
    refusals.HoldSold: (409, "hold-sold", "The places of the hold are sold"),
    waiting.NotWaitedFor: (422, "not-waited-for", "Nobody can wait for this ticket type"),
    waiting.NotSoldOut: (409, "not-sold-out", "Places are free"),
    waiting.AlreadyWaiting: (409, "already-waiting", "You wait for another number of these places"),
    waiting.WaitingListFull: (409, "waiting-list-full", "The waiting list is full"),
    waiting.EntryUnknown: (404, "not-found", "There is no such entry"),
}
