"""Whether chain, payments, ledger, receipts, entitlements and payouts say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from django.db import connection

from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.billing.domain.terms import Bought, Term, replay
from mutoscope.platform.billing.models import MonthlyStatement, Reconciliation
from mutoscope.platform.billing.monthly.service import figures_by_month
from mutoscope.platform.billing.reconcile.chain import Rows, audited
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.sweeps.service import Holding, holdings

ROWS_MAX = 100
# Entitlements, each with all of its receipts.
BATCH_ENTITLEMENTS = 2000
# Channels, each with all of its statements.
BATCH_CHANNELS = 200

# What each finding means, in words for the operator.
MEANINGS = {
    "account_differs": "An account of the books is not the ledger's account of that owner.",
    "purchase_without_transfer": "A receipt says something else than the ledger.",
    "bundle_differs": "The receipt of a bundle and those of its films do not say the same.",
    "coupon_differs": "A code was used more or less often, or took off something else, than receipts say.",
    "tip_without_transfer": "A tip says something else than the ledger.",
    "transfer_without_receipt": "Points moved for something that is not on record.",
    "refund_differs": "A refund on record and the ledger's reversals do not agree.",
    "entitlement_without_film": "Somebody bought a film, or paid a channel, that is gone.",
    "entitlement_without_purchase": "Somebody may watch what nobody bought, or bought what they may not watch.",
    "entitlement_differs": "Somebody may watch longer, or shorter, than their receipts say.",
    "payout_differs": "A payout and its hold do not agree.",
    "hold_without_payout": "Points are held for a payout that is not there.",
    "transfers_not_sealed": "Transfers older than two days are not sealed: see why the task billing.seal_ledger does not.",
    "top_up_differs": "A credited top-up says something else than the ledger, or its payment is not final.",
    "payment_not_credited": "Money came in for points that nobody got.",
    "credit_without_payment": "Points came in for a payment that is not on record.",
    "payout_job_differs": "A payout and what the signer did for it do not agree.",
    "job_without_payout": "The signer was asked to pay somebody for a payout that is not there.",
    "top_up_refund_differs": "A refund of a top-up's money and what the signer did for it do not agree.",
    "job_without_top_up_refund": "The signer was asked to send back a top-up's money for a refund that is not there.",
    "refunded_and_credited": "More of a top-up's money went back than arrived beyond what was credited.",
    "statement_differs": "A monthly statement says something else than the ledger says now: issue one that corrects it.",
    "statement_number_missing": "A number of a year's statements is missing.",
    "sweep_refused": "Money lies in a one-time wallet because the signer would not sweep it.",
    "chain_differs": "An account on the chain holds what no recorded transaction explains.",
    "chain_not_read": "The chain could not be asked, so what it holds was not compared.",
}
# Those that are asked of the chain, and not of the database.
OF_THE_CHAIN = frozenset({"chain_differs", "chain_not_read"})


@dataclass(frozen=True)
class Finding:
    """One kind of difference, with the rows behind it: at most 100 of them."""

    name: str
    meaning: str
    rows: tuple[tuple[Any, ...], ...]

    def is_cut(self) -> bool:
        """Whether there may be more rows than are shown."""
        return len(self.rows) == ROWS_MAX


@dataclass(frozen=True)
class ReconcileInputs:
    is_kept: bool = True
    """Whether the result is kept for the operator pages and the metrics."""


class ReconcileInternals(Internals):
    on_chain: Rows


class ReconcileOutputs(Outputs):
    findings: tuple[Finding, ...]
    holdings: list[Holding]
    """Where the money is: what the chain was compared with."""


Reconciling = State[ReconcileInputs, ReconcileInternals, ReconcileOutputs]


class Reconcile(Service[ReconcileInputs, ReconcileInternals, ReconcileOutputs]):
    """Compare what was agreed with what moved, row by row, and name every difference."""

    def steps(self) -> Steps[ReconcileInputs, ReconcileInternals, ReconcileOutputs]:
        return (
            # Before the transaction: nodes take their time, and what the audit records has to be in the snapshot.
            self.ask_the_chain,
            atomic(
                self.look_at_one_moment,
                self.compare,
            ),
            self.keep,
        )

    def ask_the_chain(self, reconciling: Reconciling) -> None:
        reconciling.internals.on_chain = audited()

    def look_at_one_moment(self, reconciling: Reconciling) -> None:
        """All statements see the same snapshot, or a sale in the middle would look like a difference."""
        if not _is_nested():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    def compare(self, reconciling: Reconciling) -> None:
        reconciling.outputs.findings = tuple(find(reconciling.internals.on_chain))
        reconciling.outputs.holdings = holdings()

    def keep(self, reconciling: Reconciling) -> None:
        if reconciling.inputs.is_kept:
            found = [{**asdict(finding), "rows": _plain(finding.rows)} for finding in reconciling.outputs.findings]
            lie = [asdict(each) for each in reconciling.outputs.holdings]
            Reconciliation.objects.create(findings=found, is_clean=not found, holdings=lie)


def find(on_chain: Rows | None = None) -> Iterator[Finding]:
    """Every finding, in the order of MEANINGS; `on_chain` is what the audit found."""
    for name, meaning in MEANINGS.items():
        if name == "entitlement_differs":
            rows: Iterable[tuple[Any, ...]] = wrong_entitlements()
        elif name == "statement_differs":
            rows = wrong_statements()
        elif name in OF_THE_CHAIN:
            rows = (on_chain or {}).get(name, ())
        else:
            rows = fetch("reconcile", name, {"limit": ROWS_MAX})
        kept = tuple(row for _, row in zip(range(ROWS_MAX), rows, strict=False))
        if kept:
            yield Finding(name, meaning, kept)


def wrong_entitlements() -> Iterator[tuple[Any, ...]]:
    """Entitlements whose end is not what their receipts give together: (what, id, has, should)."""
    for (entitlement_id, expires_at, refunded_at), rows in groupby(_receipts(), key=itemgetter(0, 1, 5)):
        receipts = [Bought(Term(row[2]), row[3], row[4]) for row in rows if row[2] is not None]
        should = expected_end(receipts, refunded_at)
        if should != expires_at:
            yield ("entitlement", entitlement_id, _written(expires_at), _written(should))


def wrong_statements() -> Iterator[tuple[Any, ...]]:
    """Statements that nobody corrected and whose figures are not the ledger's: (what, id, column, says, ledger)."""
    standing = MonthlyStatement.objects.filter(corrected_by=None).order_by("channel_id", "year", "month", "id")
    after = 0
    while channels := _channels_with_statements(after):
        after = channels[-1]
        for channel_id, statements in groupby(standing.filter(channel_id__in=channels), key=attrgetter("channel_id")):
            of_channel = list(statements)
            ledger = figures_by_month(channel_id, {(each.year, each.month) for each in of_channel})
            for statement in of_channel:
                for name, points in ledger[statement.year, statement.month].items():
                    if getattr(statement, name) != points:
                        yield ("statement", statement.pk, name, getattr(statement, name), points)


def expected_end(receipts: list[Bought], refunded_at: datetime | None) -> datetime | None:
    """When watching ends by these receipts; None is for ever. A refund ends at its own moment what would have ended before it."""
    has_any, until = replay(receipts)
    if refunded_at is None or (has_any and until is None):
        return until
    if has_any and receipts[-1].bought_at > refunded_at:
        return until
    return max(until, refunded_at) if until is not None else refunded_at


def _receipts() -> Iterator[tuple[Any, ...]]:
    after = 0
    while rows := fetch("reconcile", "receipts_by_film", {"after": after, "batch": BATCH_ENTITLEMENTS}):
        yield from rows
        after = rows[-1][0]


def _channels_with_statements(after: int) -> list[int]:
    """The next ones by id, at most a batch."""
    ids = (
        MonthlyStatement.objects.filter(channel_id__gt=after)
        .order_by("channel_id")
        .values_list("channel_id", flat=True)
    )
    return list(ids.distinct()[:BATCH_CHANNELS])


def _is_nested() -> bool:
    # The first statement of a transaction alone may choose its isolation.
    return len(connection.savepoint_ids) > 0 or len(connection.atomic_blocks) > 1


def _plain(rows: tuple[tuple[Any, ...], ...]) -> list[list[Any]]:
    return [[value if isinstance(value, int | str | None) else str(value) for value in row] for row in rows]


def _written(moment: datetime | None) -> str:
    return "for ever" if moment is None else moment.isoformat()
