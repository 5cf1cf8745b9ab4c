"""Making and ending a code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError
from django.utils import timezone

from mutoscope.engines.postgres.errors import violated
from mutoscope.engines.services import Internals, NoInternals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.billing.coupons.models import Coupon
from mutoscope.platform.billing.domain.coupons import BadCode, parse_code
from mutoscope.platform.billing.domain.money import POINTS_MAX, BadAmount, parse_points
from mutoscope.platform.billing.failures import NoSuchCoupon, NoSuchFilm, Unacceptable
from mutoscope.platform.videos.public import Video

IN_FORCE = "You have this code already: it is in the list below. Choose another."
ENDED = "You had this code before, and receipts name it. Choose another."


@dataclass(frozen=True)
class MakeCouponInputs:
    channel: Channel
    code: str
    percent: object = None
    """A whole number from 1 to 100, as a number or as it was typed."""
    points_off: object = None
    """Or so many points."""
    public_id: str = ""
    """The film that it is for; empty for every film of the channel."""
    starts_at: datetime | None = None
    """From now on, unless told."""
    ends_at: datetime | None = None
    uses_max: object = None


class MakeCouponInternals(Internals):
    code: str
    percent: int | None
    points_off: int | None
    uses_max: int | None
    starts_at: datetime
    video: Video | None


class MakeCouponOutputs(Outputs):
    coupon: Coupon


Making = State[MakeCouponInputs, MakeCouponInternals, MakeCouponOutputs]


class MakeCoupon(Service[MakeCouponInputs, MakeCouponInternals, MakeCouponOutputs]):
    """A creator makes a code that takes something off the price of a film, or of all of theirs."""

    failures = (Unacceptable, NoSuchFilm)

    def steps(self) -> Steps[MakeCouponInputs, MakeCouponInternals, MakeCouponOutputs]:
        return (
            self.read_the_code,
            self.read_what_it_takes_off,
            self.read_its_limits,
            self.find_the_film,
            atomic(self.keep, savepoint=True),
        )

    def read_the_code(self, making: Making) -> None:
        try:
            making.internals.code = parse_code(making.inputs.code)
        except BadCode as problem:
            raise Unacceptable(where="code", why=str(problem)) from None

    def read_what_it_takes_off(self, making: Making) -> None:
        """A share or points, and not both."""
        asked, work = making.inputs, making.internals
        if (asked.percent is None) is (asked.points_off is None):
            raise Unacceptable(where="percent", why="Say what it takes off: a share in percent, or points.")
        work.percent = _whole("percent", asked.percent, 100)
        work.points_off = _whole("points_off", asked.points_off)

    def read_its_limits(self, making: Making) -> None:
        asked, work = making.inputs, making.internals
        work.uses_max = _whole("uses_max", asked.uses_max)
        work.starts_at = asked.starts_at or timezone.now()
        if asked.ends_at is not None and asked.ends_at <= max(work.starts_at, timezone.now()):
            raise Unacceptable(where="ends_at", why="It must end after it begins, and after now.")

    def find_the_film(self, making: Making) -> None:
        asked, making.internals.video = making.inputs, None
        if asked.public_id:
            video = Video.objects.filter(public_id=asked.public_id, channel=asked.channel).first()
            if video is None:
                raise NoSuchFilm
            making.internals.video = video

    def keep(self, making: Making) -> None:
        """A code that ended stays taken: receipts name it."""
        work = making.internals
        earlier = Coupon.objects.filter(channel=making.inputs.channel, code=work.code).only("ended_at").first()
        if earlier is not None:
            raise Unacceptable(where="code", why=IN_FORCE if earlier.ended_at is None else ENDED)
        try:
            making.outputs.coupon = Coupon.objects.create(
                channel=making.inputs.channel,
                video=work.video,
                code=work.code,
                percent=work.percent,
                points_off=work.points_off,
                starts_at=work.starts_at,
                ends_at=making.inputs.ends_at,
                uses_max=work.uses_max,
            )
        except IntegrityError as taken:
            if violated(taken) != "billing_coupon_once":
                raise
            raise Unacceptable(where="code", why=IN_FORCE) from None


@dataclass(frozen=True)
class EndCouponInputs:
    channel: Channel
    code: str


class EndCouponOutputs(Outputs):
    coupon: Coupon


Ending = State[EndCouponInputs, NoInternals, EndCouponOutputs]


class EndCoupon(Service[EndCouponInputs, NoInternals, EndCouponOutputs]):
    """A creator ends a code. What was bought with it stays; ending it again changes nothing."""

    failures = (NoSuchCoupon,)

    def steps(self) -> Steps[EndCouponInputs, NoInternals, EndCouponOutputs]:
        return (atomic(self.end, savepoint=True),)

    def end(self, ending: Ending) -> None:
        held = Coupon.objects.select_for_update(no_key=True)
        coupon = held.filter(channel=ending.inputs.channel, code=ending.inputs.code.strip().upper()).first()
        if coupon is None:
            raise NoSuchCoupon
        if coupon.ended_at is None:
            coupon.ended_at = timezone.now()
            coupon.save(update_fields=["ended_at"])
        ending.outputs.coupon = coupon


def _whole(name: str, typed: object, largest: int = POINTS_MAX) -> int | None:
    if typed is None:
        return None
    try:
        return parse_points(typed, largest)
    except BadAmount:
        raise Unacceptable(where=name, why=f"Write a whole number, from 1 to {largest:,}.") from None
