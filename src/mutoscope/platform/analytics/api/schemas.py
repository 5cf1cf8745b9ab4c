"""What the API says. Points are whole and the creator's own; refunds are below zero."""

from __future__ import annotations

import datetime
from typing import Literal

from ninja import Schema

StepName = Literal["page", "price", "trailer", "unlock", "view", "middle", "end"]


class FiguresOut(Schema):
    """What was earned, visited and watched. The words are those of docs/analytics.md."""

    sales: int
    sale_points: int
    tips: int
    tip_points: int
    refunds: int
    refund_points: int
    points: int
    paid_points: int
    """What viewers paid for it, the site's fee included."""
    visits: int
    saw_the_price: int
    trailers: int
    views: int
    saw_the_middle: int
    saw_the_end: int
    shown_ms: int


class StepOut(Schema):
    name: StepName
    count: int
    of: StepName | None
    """The step that this one is a part of; null where neither is a part of the other."""


class TermOut(Schema):
    term: Literal["day", "month", "lifetime"]
    sales: int
    points: int
    """Before refunds."""


class SummaryOut(Schema):
    since: datetime.date | None
    """The first day, in UTC; null from the beginning."""
    added_up_until: datetime.datetime | None
    """Visits and views are of before this moment; money is as it is now. Null before the first time."""
    total: FiguresOut
    terms: list[TermOut]
    funnel: list[StepOut]


class DayOut(FiguresOut):
    day: datetime.date


class DaysOut(Schema):
    days: list[DayOut]
    """Newest first, without gaps."""
    next_before: datetime.date | None


class FilmOut(Schema):
    public_id: str
    title: str
    sales: int
    points: int
    visits: int
    saw_the_price: int
    trailers: int
    views: int
    saw_the_middle: int
    saw_the_end: int
    shown_ms: int


class FilmsOut(Schema):
    films: list[FilmOut]
    """Those that earned most first."""
    next_page: int | None


class MomentOut(Schema):
    hundredth: int
    at_ms: int
    playbacks: int
    """That showed the middle of it."""


class RetentionOut(Schema):
    moments: list[MomentOut]
    """A hundred of them, or none where nobody watched."""
