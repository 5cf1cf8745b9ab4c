"""What goes in and out of the API. Amounts are whole points, or US cents where the name says so; times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field, field_validator

from mutoscope.platform.billing.domain.money import POINTS_MAX
from mutoscope.platform.billing.models import NOTE_LENGTH_MAX, Payout, TopUpRefund
from mutoscope.platform.billing.payouts.shown import shown

# Strict: 1.0, "1" and true are no whole numbers.
Points = Annotated[int, Field(strict=True, ge=1, le=POINTS_MAX)]
Code = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9-]{2,23}$")]
TermName = Literal["day", "month", "lifetime"]


class Strict(Schema):
    """Refuses members that it does not know, rather than ignore a misspelt one; and a NUL, which PostgreSQL takes in no text."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def no_nul(cls, value: object) -> object:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("holds a NUL character")
        return value


class ProblemOut(Schema):
    """RFC 9457. Further members depend on `type`."""

    type: str
    title: str
    status: int
    detail: str


class BalanceOut(Schema):
    points: int


class LineOut(Schema):
    number: int
    at: datetime
    what: str
    points: int
    balance: int
    reference: str = ""
    """Of a payout: the transaction that paid, or what the operator wrote of a payment by hand."""


class StatementOut(Schema):
    lines: list[LineOut]
    next_before: int | None
    """What to pass as `before` for the next page; null on the last."""


class PackOut(Schema):
    id: int
    title: str
    points: int
    bonus_points: int
    price_usd_cents: int


class OfferOut(Schema):
    term: TermName
    points: int
    due_points: int
    """What it costs this viewer, after what is credited."""
    discount_points: int
    """What the code takes off, where one was asked with."""
    expires_at: datetime | None
    """Until when one could watch; null is for ever."""


class FilmOut(Schema):
    public_id: str
    title: str
    is_free: bool
    is_unlocked: bool
    unlocked_until: datetime | None
    version: int
    offers: list[OfferOut]


class UnlockIn(Strict):
    term: TermName
    agreed_points: Annotated[int, Field(strict=True, ge=0, le=POINTS_MAX)]
    """What the viewer agreed to: nothing else is charged."""
    version: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] | None = None
    coupon: Code | None = None


class CouponIn(Strict):
    """One of `percent` and `points_off`."""

    code: Code
    percent: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None
    points_off: Points | None = None
    film: Annotated[str, Field(pattern="^[a-z0-9]{12}$")] | None = None
    """The public id of the film that it is for; null is every film of the channel."""
    ends_at: AwareDatetime | None = None
    uses_max: Points | None = None


class CouponOut(Schema):
    code: str
    percent: int | None
    points_off: int | None
    film_title: str | None
    starts_at: datetime
    ends_at: datetime | None
    uses_max: int | None
    uses: int
    is_live: bool
    """Whether somebody can still use it."""
    taken_off_points: int
    earned_points: int
    """The creator's part of what was paid with it."""


class CouponsOut(Schema):
    coupons: list[CouponOut]


class BundleOut(Schema):
    public_id: str
    title: str
    term: TermName
    points: int
    due_points: int | None
    """What it costs you, without the films that you have for as long; null where you have all of it."""
    number: int
    films: int
    owned_films: int
    is_sold: bool


class BundleIn(Strict):
    title: Annotated[str, Field(max_length=240)]
    films: Annotated[list[Annotated[str, Field(pattern="^[a-z0-9]{12}$")]], Field(min_length=2, max_length=50)]
    """Public ids of films of yours, in the order in which they are shown."""
    term: TermName
    points: Points


class MyBundleOut(Schema):
    public_id: str
    title: str
    term: TermName
    points: int
    films: int
    sold: int
    earned: int
    made_at: datetime
    ended_at: datetime | None


class MyBundlesOut(Schema):
    bundles: list[MyBundleOut]


class BuyBundleIn(Strict):
    agreed_points: Points
    number: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] | None = None


class BoughtBundleOut(Schema):
    purchase: int
    transfer: int
    points: int
    films: int
    expires_at: datetime | None
    is_repeated: bool


class UnlockOut(Schema):
    purchase: int
    transfer: int | None
    """Null where a code took everything off."""
    points: int
    expires_at: datetime | None
    is_repeated: bool


class TipIn(Strict):
    points: Points
    note: Annotated[str, Field(max_length=NOTE_LENGTH_MAX)] = ""
    may_be_shown: Annotated[bool, Field(strict=True)] = False


class TipOut(Schema):
    points: int
    is_repeated: bool


class OwnedOut(Schema):
    public_id: str
    title: str
    channel: str
    is_unlocked: bool
    expires_at: datetime | None
    term: TermName
    renew_points: int | None


class LibraryOut(Schema):
    films: list[OwnedOut]
    next_page: int | None


class PricesIn(Strict):
    """The terms that are sold; a term that is left out is not sold."""

    day: Points | None = None
    month: Points | None = None
    lifetime: Points | None = None
    is_free: Annotated[bool, Field(strict=True)] = False


class PricesOut(Schema):
    day: int | None
    month: int | None
    lifetime: int | None
    is_free: bool


class EarningsOut(Schema):
    posted: int
    available: int
    held: int
    recent: int


class PayoutIn(Strict):
    points: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]


class OnChain(Schema):
    """An amount of a token, where it went, and by which transaction. Base units: lamports of SOL, millionths of USDC."""

    mint: str
    """Empty for SOL."""
    symbol: str
    decimals: int


class PayoutOut(OnChain):
    number: int
    points: int
    state: str
    progress: str
    """How far the signer is while it is approved; empty where it was not asked."""
    amount: int | None
    """Base units, once it is ordered."""
    address: str | None
    signature: str | None
    """Of the transaction: the latest, and of a payout that was paid the one that paid."""
    reference: str | None
    """What the operator wrote of a payment by hand, where it is no transaction's signature."""
    reason: str
    asked_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, payout: Payout) -> PayoutOut:
        """Its address should have been selected with it."""
        found = shown(payout)
        by_itself = ("address", "signature", "reference")
        told = {name: getattr(payout, name) for name in cls.model_fields if name not in by_itself}
        return cls(
            **told,
            address=found.address or None,
            signature=found.signature or None,
            reference=found.reference or None,
        )


class PayoutsOut(Schema):
    payouts: list[PayoutOut]
    next_before: int | None
    """What to pass as `before` for the next page; null on the last."""


class TopUpOut(Schema):
    public_id: str
    points: int
    """Bonus included."""
    price_usd_cents: int
    asked_at: datetime
    credited_at: datetime | None
    words: str


class TopUpsOut(Schema):
    top_ups: list[TopUpOut]
    next_before: int | None


class LeftOut(OnChain):
    amount: int
    is_accepted: bool
    """False for a token that this site does not take: its symbol is a short form of its mint."""


class RefundOut(OnChain):
    number: int
    amount: int
    state: str
    progress: str
    address: str | None
    """Null for the wallet that paid."""
    signature: str | None
    reason: str
    trouble: str
    asked_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, refund: TopUpRefund) -> RefundOut:
        """Its address should have been selected with it."""
        told = {
            name: getattr(refund, name) for name in cls.model_fields if name not in ("number", "address", "signature")
        }
        address = refund.address.address if refund.address is not None else None
        return cls(**told, number=refund.pk, address=address, signature=refund.signature or None)


class RefundsOut(Schema):
    left: list[LeftOut]
    """What can still be asked for, by receipt."""
    refunds: list[RefundOut]


class RefundAddressIn(Strict):
    address: Annotated[str, Field(min_length=1, max_length=60)]


class RefundAddressOut(Schema):
    address: str
    nonce: str
    message: str
    """What the address's holder signs, byte for byte in UTF-8."""
    expires_at: datetime


class RefundIn(Strict):
    """Back to the wallet that paid; or, with both members, to the address whose holder signed the message."""

    nonce: Annotated[str, Field(max_length=22)] = ""
    signature: Annotated[str, Field(max_length=88)] = ""


class AskedRefundsOut(Schema):
    refunds: list[RefundOut]
    is_repeated: bool


class MonthlyStatementShort(Schema):
    number: str
    """As it is printed, such as 2026-000017: without gaps over the channels of this site in each year."""
    month: str
    issued_at: datetime
    closing_points: int


class MonthlyStatementsOut(Schema):
    statements: list[MonthlyStatementShort]
    next_before: int | None


class FigureOut(Schema):
    name: Literal["opening", "sales", "tips", "refunds", "fees", "payouts", "other", "closing"]
    count: int | None
    points: int
    """With its sign: all but the last add up to the last."""


class MonthlyStatementOut(Schema):
    number: str
    channel: str
    month: str
    issued_at: datetime
    unit: Literal["points"]
    corrects: str | None
    corrected_by: str | None
    reason: str
    figures: list[FigureOut]
    """Of the whole month, on each page."""
    lines: list[LineOut]
    next_after: int | None
