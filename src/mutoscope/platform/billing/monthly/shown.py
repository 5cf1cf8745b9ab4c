"""A monthly statement as a page, CSV and JSON say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.billing.models import MonthlyStatement
from mutoscope.platform.billing.monthly.service import ISSUED_AT
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.wallet.statement import FILE_PAGE_LINES, Line, lines_in_words

# A page is printed, so it has what few channels exceed in a month; more of them are on further pages.
STATEMENT_PAGE_LINES = 1000


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the sum: what it is, how many, and the points with their sign."""

    name: str
    words: str
    count: int | None
    points: int


@dataclass(frozen=True, slots=True)
class NextStatement:
    """The one that is not there yet: of which month, and when it is issued."""

    month: str
    at: datetime


def next_statement(now: datetime) -> NextStatement:
    """Of the month that runs; on a month's first night still of the one that just ended."""
    now = now.astimezone(UTC)
    first_night = datetime.combine(now.date().replace(day=1), ISSUED_AT, UTC)
    if now >= first_night:
        first_night = datetime.combine((first_night + timedelta(days=31)).date().replace(day=1), ISSUED_AT, UTC)
    last_day = first_night.date() - timedelta(days=1)
    return NextStatement(f"{last_day:%B %Y}", first_night)


def figures_of(statement: MonthlyStatement) -> list[Figure]:
    """From the opening balance to the closing one, in the order in which they add up."""
    found = [
        Figure("opening", "Opening balance", None, statement.opening_points),
        Figure("sales", "Sales", statement.sales, statement.sale_points),
        Figure("tips", "Tips", statement.tips, statement.tip_points),
        Figure("refunds", "Refunds to viewers", statement.refunds, -statement.refund_points),
        Figure("fees", "The site's part", None, -statement.fee_points),
        Figure("payouts", "Payouts", statement.payouts, -statement.payout_points),
    ]
    if statement.other_points:
        found.append(Figure("other", "Other", None, statement.other_points))
    return [*found, Figure("closing", "Closing balance", None, statement.closing_points)]


def pages_of(statement: MonthlyStatement, limit: int = FILE_PAGE_LINES) -> Iterator[list[Line]]:
    """Every transfer of the month, oldest first, one page at a time. The ledger never changes one, so these are what was summed up."""
    after, balance = 0, statement.opening_points
    while True:
        asked = {
            "channel_id": statement.channel_id,
            "year": statement.year,
            "month": statement.month,
            "opening": balance,
            "after": after,
            "limit": limit,
        }
        lines = lines_in_words(fetch("monthly", "lines", asked))
        yield lines
        if len(lines) < limit:
            return
        after, balance = lines[-1].transfer_id, lines[-1].balance


def page_of(
    statement: MonthlyStatement, after: int = 0, limit: int = STATEMENT_PAGE_LINES
) -> tuple[list[Line], int | None]:
    """So many of them after one, oldest first, and what to pass as `after` for the next; None on the last. Its balances go on from the page before."""
    about = {"channel_id": statement.channel_id, "year": statement.year, "month": statement.month, "after": after}
    ((moved,),) = fetch("monthly", "moved_until", about) if after else ((0,),)
    rows = fetch("monthly", "lines", {**about, "opening": statement.opening_points + moved, "limit": limit + 1})
    lines = lines_in_words(rows[:limit])
    return lines, lines[-1].transfer_id if len(rows) > limit else None


def head_of(statement: MonthlyStatement) -> dict[str, Any]:
    """All of the statement but its lines, for JSON."""
    correction = corrected_by(statement)
    return {
        "number": statement.label(),
        "channel": statement.channel.handle,
        "month": statement.period(),
        "issued_at": statement.issued_at.isoformat(),
        "unit": "points",
        "corrects": statement.corrects.label() if statement.corrects is not None else None,
        "corrected_by": correction.label() if correction is not None else None,
        "reason": statement.reason,
        "figures": [{"name": each.name, "count": each.count, "points": each.points} for each in figures_of(statement)],
    }


def as_document(statement: MonthlyStatement, after: int, limit: int) -> dict[str, Any]:
    """The statement for the API, with a page of its lines. The figures are of the whole month on each."""
    lines, next_after = page_of(statement, after, limit)
    return {**head_of(statement), "lines": [line.as_dict() for line in lines], "next_after": next_after}


def rows_above(statement: MonthlyStatement) -> list[list[object]]:
    """What its CSV says before the transfers: the figures, and an empty row."""
    figures: list[list[object]] = [
        [each.name, "" if each.count is None else each.count, each.points] for each in figures_of(statement)
    ]
    title: list[object] = ["statement", statement.label(), statement.channel.handle, statement.period()]
    return [title, ["figure", "count", "points"], *figures, []]


def statement_of(channel: Channel, label: str) -> MonthlyStatement | None:
    """A channel's statement by its number as it is printed."""
    year, _, number = label.partition("-")
    asked = MonthlyStatement.objects.filter(channel=channel, year=int(year), number=int(number))
    return asked.select_related("channel", "corrects").first()


def corrected_by(statement: MonthlyStatement) -> MonthlyStatement | None:
    """The one that took its place, if any."""
    return MonthlyStatement.objects.filter(corrects=statement).first()
