"""Refusals of the billing context. Each has the sentence that a page says, money first."""

from __future__ import annotations

from mutoscope.engines.services import Refused as Refused
from mutoscope.engines.services import Unacceptable as Unacceptable
from mutoscope.platform.billing.pace import soon


class NoSuchFilm(Refused):
    """There is no such film, or it is another channel's."""

    def sentence(self) -> str:
        return "There is no such film."


class NotForSale(Refused):
    """The film, or the bundle, is not sold for this term now: withdrawn, free, ended, or never offered."""

    term: str
    thing: str = "film"

    def sentence(self) -> str:
        return f"This {self.thing} is not sold that way at the moment. Nothing was charged."


class OwnFilm(Refused):
    """The film is the viewer's own."""

    def sentence(self) -> str:
        return "This is your own film: you watch it for nothing."


class YoursForever(Refused):
    """The viewer has the film, or every film of the bundle, for at least as long already."""

    def sentence(self) -> str:
        return "You have this already, for at least as long. Nothing was charged."


class PriceChanged(Refused):
    """The price is not the one that was agreed to."""

    agreed_points: int
    points: int

    def sentence(self) -> str:
        return f"The price changed to {self.points:,} points while you were looking. Nothing was charged: press again if you agree."


class ChangedMeanwhile(Refused):
    """Something else was bought or refunded since the page was shown."""

    def sentence(self) -> str:
        return "Something changed while you were looking, perhaps in another tab. Nothing was charged: this is how it stands now."


class InsufficientPoints(Refused):
    """The viewer has fewer points than it costs."""

    needed: int
    available: int

    def sentence(self) -> str:
        return f"This costs {self.needed:,} points and you have {self.available:,}. Nothing was charged."


class RequestKeyReused(Refused):
    """This request key was used for something else before."""

    def field(self) -> str:
        return "Idempotency-Key"

    def sentence(self) -> str:
        return "This Idempotency-Key was used for another request. Use a new one."


class NoSuchBundle(Refused):
    """There is no such bundle, or it is another channel's."""

    def sentence(self) -> str:
        return "There is no such bundle."


class DearerThanAlone(Refused):
    """The bundle would cost more than its films one by one, for as long. Its creator may want that, and is asked."""

    points: int
    alone_points: int

    def field(self) -> str:
        return "points"

    def sentence(self) -> str:
        return (
            f"Bought one by one these films cost {self.alone_points:,} points together, and the bundle {self.points:,}."
        )


class NoSuchCoupon(Refused):
    """There is no such code, or it is another channel's."""

    def sentence(self) -> str:
        return "There is no such code."


class BadCoupon(Refused):
    """This code takes nothing off here, or not any more."""

    why: str

    def field(self) -> str:
        return "coupon"

    def sentence(self) -> str:
        return self.why


class NoSuchPurchase(Refused):
    """There is no such purchase."""

    def sentence(self) -> str:
        return "There is no such purchase."


class CannotRefund(Refused):
    """This purchase cannot be taken back."""

    why: str

    def sentence(self) -> str:
        return self.why


class CannotTopUp(Refused):
    """This pack cannot be paid for, or not with this token now."""

    why: str

    def field(self) -> str:
        return "token"

    def sentence(self) -> str:
        return self.why


class TooManyTopUps(Refused):
    """Too many top-ups were begun within an hour, by one person or from one address."""

    wait_s: int
    """Until another may be begun."""

    def sentence(self) -> str:
        begun = "Too many top-ups were begun within an hour, by you or from your network."
        return f"{begun} Nothing was charged: try again {soon(self.wait_s)}."


class NoSuchTopUp(Refused):
    """There is no such top-up."""

    def sentence(self) -> str:
        return "There is no such top-up."


class CannotSendBack(Refused):
    """This money cannot be sent back, or not now."""

    why: str

    def sentence(self) -> str:
        return self.why


class NoSuchStatement(Refused):
    """There is no such statement."""

    def sentence(self) -> str:
        return "There is no such statement."


class NoSuchChannel(Refused):
    """There is no channel."""

    def sentence(self) -> str:
        return "Open a channel first: only a channel earns."


class CannotIssue(Refused):
    """This statement cannot be issued."""

    why: str

    def sentence(self) -> str:
        return self.why


class CannotPayOut(Refused):
    """This payout cannot be asked for, or not any more."""

    why: str

    def field(self) -> str:
        return "points"

    def sentence(self) -> str:
        return self.why


class NotProven(Refused):
    """This signature does not prove that the address is theirs."""

    why: str

    def field(self) -> str:
        return "signature"

    def sentence(self) -> str:
        return self.why
