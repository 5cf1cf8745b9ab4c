"""The ledger's lines in words that a person understands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from mutoscope.engines.ledger import Account
from mutoscope.platform.billing.domain.terms import FOR
from mutoscope.platform.billing.statements import fetch, queries
from mutoscope.platform.videos.public import Video

PAGE_LINES = 50
# A file is read in pages of so many, and no more are held.
FILE_PAGE_LINES = 1000
BEFORE_MAX = 2**63 - 1


HEAD = ("number", "at", "what", "points", "balance", "reference")


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer as its owner sees it. `points` above zero came in."""

    transfer_id: int
    at: datetime
    points: int
    balance: int
    words: str
    reference: str = ""
    """Of a payout: the transaction that paid, or what the operator wrote of a payment by hand."""

    def as_dict(self) -> dict[str, Any]:
        """The line for JSON and CSV."""
        return {
            "number": self.transfer_id,
            "at": self.at.isoformat(),
            "what": self.words,
            "points": self.points,
            "balance": self.balance,
            "reference": self.reference,
        }


def newest_lines(
    account: Account | None, before: int = BEFORE_MAX, limit: int = PAGE_LINES
) -> tuple[list[Line], int | None]:
    """One page, newest first, and what to pass as `before` for the next; None on the last. For its balances everything older is summed up."""
    if account is None:
        return [], None
    asked = {"account_id": account.id, "before": min(before, BEFORE_MAX), "limit": limit + 1}
    rows = fetch("wallet", "lines", asked)
    lines = lines_in_words(rows[:limit])
    return lines, lines[-1].transfer_id if len(rows) > limit else None


def lines_in_words(rows: Sequence[tuple[Any, ...]]) -> list[Line]:
    """Lines of what a statement's SQL returns: (id, at, points, balance, metadata). One query for the films' titles."""
    abouts = [row[4] if isinstance(row[4], dict) else json.loads(row[4]) for row in rows]
    films = {about["video"] for about in abouts if "video" in about}
    titles = dict(Video.objects.filter(pk__in=films).values_list("pk", "title"))
    return [
        Line(row[0], row[1], row[2], row[3], in_words(about, titles, row[2]), about.get("reference", ""))
        for row, about in zip(rows, abouts, strict=True)
    ]


def every_page(account: Account | None, limit: int = FILE_PAGE_LINES) -> Iterator[list[Line]]:
    """The whole statement, newest first, one page at a time; in a transaction, so read it to its end without waiting for anything else.

    It is of one moment, that of the first page: what is committed meanwhile, perhaps under a lower number, is in no line and no balance.
    """
    if account is None:
        return
    statement = queries("wallet").statements["whole"]
    # A cursor reads as of when it was opened. It ends with its transaction, so it may go through a pooler.
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, {"account_id": account.id})
        while rows := cursor.fetchmany(limit):
            yield lines_in_words(rows)


def in_words(about: dict[str, Any], titles: dict[int, str], points: int) -> str:
    """What a transfer was, from what it says of itself."""
    title = titles.get(about.get("video", 0)) or about.get("title", "a film")
    match about.get("for"):
        case "unlock":
            term = FOR.get(about.get("term", ""), "")
            return f"Sold {title} {term}" if points > 0 else f"Unlocked {title} {term}"
        case "bundle":
            term = FOR.get(about.get("term", ""), "")
            return (
                f"Sold {about.get('title', '')} {term}" if points > 0 else f"Unlocked {about.get('title', '')} {term}"
            )
        case "tip":
            return f"Tip for {title}"
        case "refund":
            return f"Refund of {title}"
        case "grant":
            return f"Given: {about.get('reason', '')}"
        case "top-up":
            return "Points bought"
        case "payout":
            return f"Payout {about.get('number', '')}"
    return "Transfer"


def as_row(line: Line) -> list[object]:
    """A line as a row under `HEAD`. No text in it is run as a formula."""
    harmless = {"what": spreadsheet_text(line.words), "reference": spreadsheet_text(line.reference)}
    return list({**line.as_dict(), **harmless}.values())


def spreadsheet_text(text: str) -> str:
    """A text that a spreadsheet does not run as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
