"""Issuing the statement of a month, and one that corrects it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import time, timedelta

from mutoscope.engines.sequences import GaplessSequence
from mutoscope.engines.services import NoInternals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.failures import CannotIssue, Unacceptable
from mutoscope.platform.billing.models import REASON_LENGTH_MAX, MonthlyStatement
from mutoscope.platform.billing.statements import fetch

# A transaction that began in the old month has ended by then.
GRACE = timedelta(hours=1)
# Each night (UTC) those that are due are issued.
ISSUED_AT = time(2, 10)

# Year and month.
Month = tuple[int, int]

# As `figures_by_month` of queries.sql returns them.
_COLUMNS = (
    "opening_points",
    "sales",
    "sale_points",
    "tips",
    "tip_points",
    "refunds",
    "refund_points",
    "payouts",
    "payout_points",
    "fee_points",
    "other_points",
)


@dataclass(frozen=True)
class IssueStatementInputs:
    channel_id: int
    year: int
    month: int
    reason: str = ""
    """Why there is a further one of the same month; empty for its first."""


class IssueStatementOutputs(Outputs):
    statement: MonthlyStatement
    is_repeated: bool


Issuing = State[IssueStatementInputs, NoInternals, IssueStatementOutputs]


class IssueStatement(Service[IssueStatementInputs, NoInternals, IssueStatementOutputs]):
    """A month is over: what the ledger says of it is written down under a number without gaps, once for each channel."""

    failures = (CannotIssue, Unacceptable)

    def steps(self) -> Steps[IssueStatementInputs, NoInternals, IssueStatementOutputs]:
        return (self.read_what_was_typed, atomic(self.issue, savepoint=True))

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def read_what_was_typed(self, issuing: Issuing) -> None:
        asked = issuing.inputs
        if not 1 <= asked.month <= 12 or not 2000 <= asked.year <= 9999:
            raise Unacceptable(where="month", why="A month is written as in 2026-02.")
        if len(asked.reason.strip()) > REASON_LENGTH_MAX:
            raise Unacceptable(where="reason", why=f"Say why, in at most {REASON_LENGTH_MAX} characters.")

    def issue(self, issuing: Issuing) -> None:
        asked, reason = issuing.inputs, issuing.inputs.reason.strip()
        # Two workers at once: the second waits here, and finds what the first issued.
        if not Channel.objects.select_for_update(no_key=True).filter(pk=asked.channel_id).exists():
            raise CannotIssue(why="There is no such channel.")
        about = {"year": asked.year, "month": asked.month}
        ((is_over,),) = fetch("monthly", "is_over", {**about, "grace": GRACE, "ahead": self.clock.ahead()})
        if not is_over:
            raise CannotIssue(why="This month is not over.")
        earlier = MonthlyStatement.objects.filter(channel_id=asked.channel_id, **about).order_by("-number").first()
        if earlier is not None and not reason:
            issuing.outputs.statement, issuing.outputs.is_repeated = earlier, True
            return
        if earlier is None and reason:
            raise CannotIssue(why="There is no statement of this month to correct.")
        issuing.outputs.statement = MonthlyStatement.objects.create(
            channel_id=asked.channel_id,
            **about,
            **figures(asked.channel_id, asked.year, asked.month),
            corrects=earlier,
            reason=reason,
            # Last, since others of this year wait from here on.
            number=GaplessSequence("monthly statements", series=asked.year).next(),
        )
        issuing.outputs.statement.refresh_from_db()
        issuing.outputs.is_repeated = False


def figures(channel_id: int, year: int, month: int) -> dict[str, int]:
    """What the ledger says now of a channel's month, by column of the statement."""
    return figures_by_month(channel_id, {(year, month)})[year, month]


def figures_by_month(channel_id: int, months: Set[Month]) -> dict[Month, dict[str, int]]:
    """The same for several months (at least one), and for others before their last in which anything moved, by one pass over the account."""
    last_year, last_month = max(months)
    rows = fetch("monthly", "figures_by_month", {"channel_id": channel_id, "year": last_year, "month": last_month})
    moved = {(row[0], row[1]): _with_closing(row[2:]) for row in rows}
    found: dict[Month, dict[str, int]] = {}
    closing = 0
    for month in sorted(moved.keys() | months):
        quiet = (closing, *[0] * (len(_COLUMNS) - 1))
        found[month] = moved[month] if month in moved else _with_closing(quiet)
        closing = found[month]["closing_points"]
    return found


def due(limit: int, clock: Clock = SERVER_CLOCK) -> list[tuple[int, int, int]]:
    """Channels with a month that is over and has no statement: (channel, year, month), oldest months first."""
    return [(row[0], row[1], row[2]) for row in fetch("monthly", "due", _at(limit, clock))]


def _at(limit: int, clock: Clock) -> dict[str, object]:
    return {"limit": limit, "grace": GRACE, "ahead": clock.ahead()}


def _with_closing(row: tuple[int, ...]) -> dict[str, int]:
    found = dict(zip(_COLUMNS, row, strict=True))
    found["closing_points"] = (
        found["opening_points"]
        + found["sale_points"]
        + found["tip_points"]
        - found["refund_points"]
        - found["fee_points"]
        - found["payout_points"]
        + found["other_points"]
    )
    return found
