"""Buying a film."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from mutoscope.engines.postgres.errors import violated
from mutoscope.engines.postgres.prepared import Value
from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, when
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain import terms
from mutoscope.platform.billing.domain.coupons import PROBLEMS, Discount
from mutoscope.platform.billing.domain.money import Split, split
from mutoscope.platform.billing.domain.terms import Holding, Quote, Term, Until
from mutoscope.platform.billing.failures import (
    BadCoupon,
    ChangedMeanwhile,
    InsufficientPoints,
    NoSuchFilm,
    NotForSale,
    OwnFilm,
    PriceChanged,
    RequestKeyReused,
    YoursForever,
)
from mutoscope.platform.billing.statements import fetch, fetch_often
from mutoscope.platform.videos.public import PUBLIC


@dataclass(frozen=True)
class UnlockVideoInputs:
    viewer_id: int
    public_id: str
    term: Term
    agreed_points: int
    """What the viewer was told that it costs. Nothing is charged but this."""
    version: int | None = None
    """Which purchase of this film it is, as the page said; None takes it as it stands, for callers with a request key."""
    coupon: str = ""
    """A code, as it was typed."""
    request_key: str = ""
    """What the caller calls this request, at most 100 characters; the same again gets the same answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """What `look` saw, by the names of its columns."""

    now: datetime
    video_id: int
    state: str
    channel_id: int
    owner_id: int
    offer_id: int | None
    price_points: int | None
    version: int
    has_entitlement: bool
    expires_at: datetime | None
    viewer_account_id: int | None
    creator_account_id: int | None
    fees_account_id: int | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `earlier` found: this very request was answered already, or its key is another's."""

    purchase_id: int
    transfer_id: int | None
    expires_at: datetime | None
    points: int
    is_another: bool


@dataclass(frozen=True, slots=True)
class Code:
    """What `code` found, and why it does not count, if it does not."""

    coupon_id: int | None
    percent: int | None
    points_off: int | None
    problem: str | None


NO_SUCH_CODE = Code(None, None, None, "other")


class UnlockVideoInternals(Internals):
    is_answered: bool = False
    found: Found
    earlier: Receipt | None = None
    code: Code | None = None
    holding: Holding | None = None
    quote: Quote


class UnlockVideoOutputs(Outputs):
    purchase_id: int
    transfer_id: int | None
    """None where a code took everything off."""
    points: int
    expires_at: datetime | None
    is_repeated: bool


# What the same viewer bought at once may leave no room for: a film, alone or in a bundle, a code, or what a key stands for.
IN_THE_SAME_MOMENT = {
    "billing_purchase_once": ChangedMeanwhile,
    "billing_entitlement_once": ChangedMeanwhile,
    "billing_coupon_once_each": ChangedMeanwhile,
    "billing_purchase_request_once": RequestKeyReused,
}

Unlocking = State[UnlockVideoInputs, UnlockVideoInternals, UnlockVideoOutputs]


class UnlockVideo(Service[UnlockVideoInputs, UnlockVideoInternals, UnlockVideoOutputs]):
    """One click: the viewer pays, creator and site are credited, and the film may be watched. Twice the click, once the charge."""

    failures = (
        NoSuchFilm,
        NotForSale,
        OwnFilm,
        YoursForever,
        PriceChanged,
        ChangedMeanwhile,
        InsufficientPoints,
        RequestKeyReused,
        BadCoupon,
    )

    def steps(self) -> Steps[UnlockVideoInputs, UnlockVideoInternals, UnlockVideoOutputs]:
        # No transaction is opened here: `buy` is one statement, and checks again that nothing else was bought or refunded since `look`,
        # and that the code still counts. A price that changes in these milliseconds is charged as it was agreed to.
        return (
            when(self.is_plain, self.buy_at_once),
            when(
                self.is_not_answered,
                # First, so that of one click sent twice the second, which finds the code used, then finds the receipt as well.
                when(self.has_a_code, self.look_at_the_code),
                self.look,
                when(self.may_be_answered_already, self.find_the_earlier_receipt),
                when(self.was_done_before, self.answer_as_before),
            ),
            when(
                self.is_not_answered,
                self.refuse_what_is_not_sold,
                self.refuse_a_code_that_does_not_count,
                when(self.still_runs, self.weigh_what_still_runs),
                self.work_out_the_price,
                self.refuse_another_price,
                self.buy,
            ),
        )

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def is_plain(self, unlocking: Unlocking) -> bool:
        """A click on a page, without a code: nearly always nothing of the film is running, and the price is as it was told."""
        asked = unlocking.inputs
        return asked.version is not None and not asked.coupon and not asked.request_key and asked.agreed_points > 0

    def buy_at_once(self, unlocking: Unlocking) -> None:
        """`look` and `buy` in one round trip, for what is sold, is not running and costs what was agreed. Whatever else it is, nothing is written."""
        asked = unlocking.inputs
        parts = split(asked.agreed_points, settings.FEE_BPS)
        rows = self._write(
            "click",
            {
                "ahead": self.clock.ahead(),
                "viewer_id": asked.viewer_id,
                "public_id": asked.public_id,
                "term": asked.term.value,
                "version": asked.version,
                "points": asked.agreed_points,
                "fee": parts.fee_points,
                "creator": parts.creator_points,
                "lasts": terms.LENGTHS[asked.term],
            },
        )
        if rows:
            self._answer_with(unlocking, rows[0], asked.agreed_points)

    def is_not_answered(self, unlocking: Unlocking) -> bool:
        return not unlocking.internals.is_answered

    def has_a_code(self, unlocking: Unlocking) -> bool:
        return bool(unlocking.inputs.coupon.strip())

    def look_at_the_code(self, unlocking: Unlocking) -> None:
        asked = unlocking.inputs
        rows = fetch(
            "unlock",
            "code",
            {
                "ahead": self.clock.ahead(),
                "viewer_id": asked.viewer_id,
                "public_id": asked.public_id,
                "coupon": asked.coupon.strip().upper(),
            },
        )
        unlocking.internals.code = Code(*rows[0]) if rows else NO_SUCH_CODE

    def look(self, unlocking: Unlocking) -> None:
        """Everything that each click depends on, in one round trip."""
        asked = unlocking.inputs
        rows = fetch_often(
            "unlock",
            "look",
            {
                "ahead": self.clock.ahead(),
                "viewer_id": asked.viewer_id,
                "public_id": asked.public_id,
                "term": asked.term.value,
            },
            waits=False,
        )
        if not rows:
            raise NoSuchFilm
        unlocking.internals.found = Found(*rows[0])

    def may_be_answered_already(self, unlocking: Unlocking) -> bool:
        """By its key; or the purchase that this page was about to make has been made, and is why the version moved on."""
        asked, found = unlocking.inputs, unlocking.internals.found
        return bool(asked.request_key) or (asked.version is not None and asked.version != found.version)

    def find_the_earlier_receipt(self, unlocking: Unlocking) -> None:
        asked, found = unlocking.inputs, unlocking.internals.found
        rows = fetch(
            "unlock",
            "earlier",
            {
                "viewer_id": asked.viewer_id,
                "video_id": found.video_id,
                "term": asked.term.value,
                "version": asked.version,
                "request_key": asked.request_key,
                "now": found.now,
            },
        )
        if rows:
            unlocking.internals.earlier = Receipt(*rows[0])

    def was_done_before(self, unlocking: Unlocking) -> bool:
        return unlocking.internals.earlier is not None

    def answer_as_before(self, unlocking: Unlocking) -> None:
        """The receipt of the first time."""
        earlier = unlocking.internals.earlier
        assert earlier is not None
        if earlier.is_another:
            raise RequestKeyReused
        self._answer(unlocking, earlier.purchase_id, earlier.transfer_id, earlier.expires_at, earlier.points, True)

    def refuse_what_is_not_sold(self, unlocking: Unlocking) -> None:
        """A creator's own film, one that was withdrawn, a term without a price."""
        asked, found = unlocking.inputs, unlocking.internals.found
        if found.owner_id == asked.viewer_id:
            raise OwnFilm
        if found.state not in PUBLIC or found.offer_id is None or found.creator_account_id is None:
            raise NotForSale(term=asked.term)
        if asked.version is not None and asked.version != found.version:
            raise ChangedMeanwhile

    def refuse_a_code_that_does_not_count(self, unlocking: Unlocking) -> None:
        """Rather than charge the full price of somebody who thinks that it does."""
        code = unlocking.internals.code
        if code is not None and code.problem:
            raise BadCoupon(why=PROBLEMS[code.problem])

    def still_runs(self, unlocking: Unlocking) -> bool:
        found = unlocking.internals.found
        return found.has_entitlement and Until(found.expires_at).is_live(found.now)

    def weigh_what_still_runs(self, unlocking: Unlocking) -> None:
        """It counts towards a longer term, at the price it was sold at."""
        asked, found = unlocking.inputs, unlocking.internals.found
        unlocking.internals.holding = still_running(asked.viewer_id, found.video_id, found.expires_at, found.now)

    def work_out_the_price(self, unlocking: Unlocking) -> None:
        asked, found, work = unlocking.inputs, unlocking.internals.found, unlocking.internals
        assert found.price_points is not None
        try:
            quote = terms.quote(asked.term, found.price_points, work.holding, found.now)
        except terms.AlreadyForever:
            raise YoursForever from None
        work.quote = quote.less(Discount(work.code.percent, work.code.points_off) if work.code else None)

    def refuse_another_price(self, unlocking: Unlocking) -> None:
        """Ask again rather than charge what nobody agreed to, higher or lower."""
        agreed, due = unlocking.inputs.agreed_points, unlocking.internals.quote.due_points
        if agreed != due:
            raise PriceChanged(agreed_points=agreed, points=due)
        if unlocking.internals.found.viewer_account_id is None and due:
            raise InsufficientPoints(needed=due, available=0)

    def buy(self, unlocking: Unlocking) -> None:
        """Debit, credits, fee, receipt, entitlement and the code's use: one statement, all or nothing."""
        quote = unlocking.internals.quote
        # The fee is of what is really paid.
        parts = split(quote.due_points, settings.FEE_BPS) if quote.due_points else Split(0, 0)
        (row,) = self._write("buy", self._asked(unlocking, parts))
        self._answer_with(unlocking, row, quote.due_points)

    @staticmethod
    def _write(name: str, asked: dict[str, Value]) -> list[tuple[Any, ...]]:
        try:
            return fetch_often("unlock", name, asked)
        except IntegrityError as refused:
            # Nothing of it is written.
            failure = IN_THE_SAME_MOMENT.get(violated(refused))
            if failure is None:
                raise
            raise failure from None

    def _answer_with(self, unlocking: Unlocking, row: tuple[Any, ...], due_points: int) -> None:
        """What billing_unlock said."""
        outcome, purchase_id, transfer_id, expires_at, available = row
        if outcome == "insufficient":
            raise InsufficientPoints(needed=due_points, available=available)
        if outcome == "coupon":
            raise BadCoupon(why=PROBLEMS["used up"])
        if outcome == "moved":
            raise ChangedMeanwhile
        self._answer(unlocking, purchase_id, transfer_id, expires_at, due_points, outcome == "repeated")

    def _asked(self, unlocking: Unlocking, parts: Split) -> dict[str, Value]:
        """What `buy` is told."""
        asked, work = unlocking.inputs, unlocking.internals
        found, quote = work.found, work.quote
        return {
            "viewer_id": asked.viewer_id,
            "video_id": found.video_id,
            "channel_id": found.channel_id,
            "offer_id": found.offer_id,
            "version": found.version,
            "term": asked.term.value,
            "price": quote.due_points + quote.credit_points + quote.discount_points,
            "coupon_id": work.code.coupon_id if work.code else None,
            "discount": quote.discount_points,
            "credit": quote.credit_points,
            "fee": parts.fee_points,
            "creator": parts.creator_points,
            "is_upgrade": quote.is_upgrade,
            "now": found.now,
            "starts_at": quote.starts_at,
            "expires_at": quote.expires_at,
            "request_key": asked.request_key,
            "key": f"unlock:{asked.viewer_id}:{found.video_id}:{found.version}",
            "viewer_account": found.viewer_account_id,
            "creator_account": found.creator_account_id,
            "fees_account": found.fees_account_id,
            "metadata": json.dumps({"for": "unlock", "video": found.video_id, "term": asked.term.value}),
        }

    @staticmethod
    def _answer(
        unlocking: Unlocking,
        purchase_id: int,
        transfer_id: int | None,
        expires_at: datetime | None,
        points: int,
        is_repeated: bool,
    ) -> None:
        unlocking.internals.is_answered = True
        out = unlocking.outputs
        out.purchase_id, out.transfer_id, out.points = purchase_id, transfer_id, points
        out.expires_at, out.is_repeated = expires_at, is_repeated


def still_running(viewer_id: int, video_id: int, expires_at: datetime | None, now: datetime) -> Holding:
    """What a viewer has of a film that they may watch until then, and what of it counts towards a longer term. One query."""
    ((rank, worth_points),) = fetch("unlock", "running", {"viewer_id": viewer_id, "video_id": video_id, "now": now})
    return Holding(expires_at, rank, worth_points)
