"""A monthly statement as a page, CSV and JSON say it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.billing.models import MonthlyStatement
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.wallet.statement import Line, as_rows, in_words
from mutoscope.platform.videos.public import Video


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the sum: what it is, how many, and the points with their sign."""

    name: str
    words: str
    count: int | None
    points: int


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


def lines_of(statement: MonthlyStatement) -> list[Line]:
    """Every transfer of the month, oldest first. The ledger never changes one, so these are what was summed up."""
    asked = {
        "channel_id": statement.channel_id,
        "year": statement.year,
        "month": statement.month,
        "opening": statement.opening_points,
    }
    rows = fetch("monthly", "lines", asked)
    abouts = [row[4] if isinstance(row[4], dict) else json.loads(row[4]) for row in rows]
    films = {about["video"] for about in abouts if "video" in about}
    titles = dict(Video.objects.filter(pk__in=films).values_list("pk", "title"))
    return [
        Line(row[0], row[1], row[2], row[3], in_words(about, titles, row[2]))
        for row, about in zip(rows, abouts, strict=True)
    ]


def as_document(statement: MonthlyStatement) -> dict[str, Any]:
    """The whole statement for JSON."""
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
        "lines": [line.as_dict() for line in lines_of(statement)],
    }


def as_csv(statement: MonthlyStatement) -> str:
    """The figures, an empty row, and the transfers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["statement", statement.label(), statement.channel.handle, statement.period()])
    writer.writerow(["figure", "count", "points"])
    for each in figures_of(statement):
        writer.writerow([each.name, "" if each.count is None else each.count, each.points])
    writer.writerow([])
    writer.writerows(as_rows(lines_of(statement)))
    return out.getvalue()


def statement_of(channel: Channel, label: str) -> MonthlyStatement | None:
    """A channel's statement by its number as it is printed."""
    year, _, number = label.partition("-")
    asked = MonthlyStatement.objects.filter(channel=channel, year=int(year), number=int(number))
    return asked.select_related("channel", "corrects").first()


def corrected_by(statement: MonthlyStatement) -> MonthlyStatement | None:
    """The one that took its place, if any."""
    return MonthlyStatement.objects.filter(corrects=statement).first()
