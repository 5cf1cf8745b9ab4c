"""Buying a film."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError

from mutoscope.engines.postgres.prepared import Value
from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, when
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain import terms
from mutoscope.platform.billing.domain.coupons import PROBLEMS, Discount
from mutoscope.platform.billing.domain.money import Split, split
from mutoscope.platform.billing.domain.terms import Holding, Quote, Term
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
from mutoscope.platform.billing.statements import fetch_often
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
    rank: int
    worth_points: int
    viewer_account_id: int | None
    creator_account_id: int | None
    fees_account_id: int | None
    done_id: int | None
    done_transfer_id: int | None
    done_expires_at: datetime | None
    done_points: int | None
    done_is_another: bool | None
    coupon_id: int | None
    coupon_percent: int | None
    coupon_points: int | None
    coupon_problem: str | None


class UnlockVideoInternals(Internals):
    found: Found
    quote: Quote


class UnlockVideoOutputs(Outputs):
    purchase_id: int
    transfer_id: int | None
    """None where a code took everything off."""
    points: int
    expires_at: datetime | None
    is_repeated: bool


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
        # No transaction is opened here: `buy` is one statement, and what was looked at before is checked again in it.
        return (
            self.look,
            when(self.was_done_before, self.answer_as_before),
            when(
                self.is_new,
                self.refuse_what_is_not_sold,
                self.refuse_a_code_that_does_not_count,
                self.work_out_the_price,
                self.refuse_another_price,
                self.buy,
            ),
        )

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def look(self, unlocking: Unlocking) -> None:
        """Everything the click depends on, in one round trip."""
        asked = unlocking.inputs
        rows = fetch_often(
            "unlock",
            "look",
            {
                "ahead": self.clock.ahead(),
                "viewer_id": asked.viewer_id,
                "public_id": asked.public_id,
                "term": asked.term.value,
                "version": asked.version,
                "request_key": asked.request_key,
                "coupon": asked.coupon.strip().upper(),
            },
            waits=False,
        )
        if not rows:
            raise NoSuchFilm
        unlocking.internals.found = Found(*rows[0])

    def was_done_before(self, unlocking: Unlocking) -> bool:
        return unlocking.internals.found.done_id is not None

    def answer_as_before(self, unlocking: Unlocking) -> None:
        """The receipt of the first time."""
        found = unlocking.internals.found
        if found.done_is_another:
            raise RequestKeyReused
        assert found.done_id is not None
        assert found.done_points is not None
        self._answer(unlocking, found.done_id, found.done_transfer_id, found.done_expires_at, found.done_points, True)

    def is_new(self, unlocking: Unlocking) -> bool:
        return unlocking.internals.found.done_id is None

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
        found = unlocking.internals.found
        if unlocking.inputs.coupon.strip() and (found.coupon_id is None or found.coupon_problem):
            raise BadCoupon(why=PROBLEMS.get(found.coupon_problem or "", PROBLEMS["other"]))

    def work_out_the_price(self, unlocking: Unlocking) -> None:
        """What is still running counts towards a longer term."""
        asked, found = unlocking.inputs, unlocking.internals.found
        assert found.price_points is not None
        holding = Holding(found.expires_at, found.rank, found.worth_points) if found.has_entitlement else None
        try:
            quote = terms.quote(asked.term, found.price_points, holding, found.now)
        except terms.AlreadyForever:
            raise YoursForever from None
        discount = Discount(found.coupon_percent, found.coupon_points) if found.coupon_id is not None else None
        unlocking.internals.quote = quote.less(discount)

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
        try:
            ((outcome, purchase_id, transfer_id, expires_at, available),) = fetch_often(
                "unlock", "buy", self._asked(unlocking, parts)
            )
        except IntegrityError:
            # A bundle with this film in it was bought in this moment, by the same viewer: nothing of this is written.
            raise ChangedMeanwhile from None
        if outcome == "insufficient":
            raise InsufficientPoints(needed=quote.due_points, available=available)
        if outcome == "coupon":
            raise BadCoupon(why=PROBLEMS["used up"])
        if outcome == "moved":
            raise ChangedMeanwhile
        self._answer(unlocking, purchase_id, transfer_id, expires_at, quote.due_points, outcome == "repeated")

    def _asked(self, unlocking: Unlocking, parts: Split) -> dict[str, Value]:
        """What `buy` is told."""
        asked, found, quote = unlocking.inputs, unlocking.internals.found, unlocking.internals.quote
        accounts, amounts = self._legs(found, quote.due_points, parts)
        return {
            "viewer_id": asked.viewer_id,
            "video_id": found.video_id,
            "channel_id": found.channel_id,
            "offer_id": found.offer_id,
            "version": found.version,
            "term": asked.term.value,
            "price": quote.due_points + quote.credit_points + quote.discount_points,
            "coupon_id": found.coupon_id,
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
            "accounts": accounts,
            "amounts": amounts,
            "metadata": json.dumps({"for": "unlock", "video": found.video_id, "term": asked.term.value}),
        }

    @staticmethod
    def _legs(found: Found, due: int, parts: Split) -> tuple[list[int], list[int]]:
        """Accounts and amounts in order of account, as the ledger locks them. A fee of nothing is no leg; a price of nothing has none."""
        if not due:
            return [], []
        assert found.viewer_account_id is not None
        assert found.creator_account_id is not None
        legs = {found.viewer_account_id: -due, found.creator_account_id: parts.creator_points}
        if parts.fee_points:
            assert found.fees_account_id is not None, "opened with the film's first price"
            legs[found.fees_account_id] = parts.fee_points
        return sorted(legs), [legs[account] for account in sorted(legs)]

    @staticmethod
    def _answer(
        unlocking: Unlocking,
        purchase_id: int,
        transfer_id: int | None,
        expires_at: datetime | None,
        points: int,
        is_repeated: bool,
    ) -> None:
        out = unlocking.outputs
        out.purchase_id, out.transfer_id, out.points = purchase_id, transfer_id, points
        out.expires_at, out.is_repeated = expires_at, is_repeated
