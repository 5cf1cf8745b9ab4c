"""Writing down what finalised transactions did to us: transfers, whose they are, what that makes of the payments, and the news.

One commit, and no question to a node in it. Everything may be done again, by anybody, at any time: the constraint on
(signature, account) lets each delta in once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from mutoscope.engines.solana.outbox.writing import News, write
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.assessing import assess
from mutoscope.engines.solana.payments.domain.deltas import Delta, Holding, Transaction, deltas, strays
from mutoscope.engines.solana.payments.models import UnmatchedReceipt
from mutoscope.engines.solana.payments.rows import update_rows
from mutoscope.engines.solana.payments.swapped import payment_model, token_model
from mutoscope.engines.solana.signer.models import Kind, SignerLeg
from mutoscope.engines.solana.watcher.models import WatchedAccount

Reason = UnmatchedReceipt.Reason


@dataclass
class Finding:
    """One row to be: a delta, and whose it is."""

    transaction: Transaction
    holding: Holding
    delta: Delta
    token_id: int | None
    payment_id: int | None = None
    unmatched: Reason | None = None
    # Whose wallet it left.
    left: int | None = None


@dataclass
class Recorded:
    """What was new. Counts, and the payments that were looked at again."""

    transfers: int = 0
    payments: list[int] = field(default_factory=list)


def find(transactions: Sequence[Transaction]) -> list[Finding]:
    """What the transactions did to accounts and wallets of ours. Reads the database, changes nothing."""
    keys = sorted({key for each in transactions for key in each.keys})
    accounts = {account.address: account for account in WatchedAccount.objects.filter(address__in=keys)}
    owners = sorted({balance.owner for each in transactions for balance in each.tokens_after.values() if balance.owner})
    wallets: dict[str, int | None] = dict(
        WatchedAccount.objects.filter(owner__in=owners).values_list("owner", "payment_id")
    )
    references: dict[str, int] = dict(payment_model().objects.filter(reference__in=keys).values_list("reference", "pk"))
    tokens = token_model().objects.in_bulk({account.token_id for account in accounts.values()})
    holdings = {
        address: Holding(address, account.owner, tokens[account.token_id].mint, tokens[account.token_id].program)
        for address, account in accounts.items()
    }
    found = []
    for each in transactions:
        named = sorted({references[key] for key in each.keys if key in references})
        for holding, delta in deltas(each, holdings.values()).items():
            account = accounts[holding.address]
            finding = Finding(each, holding, delta, account.token_id)
            _allocate(finding, account.payment_id, named)
            found.append(finding)
        for holding, delta in strays(each, wallets, holdings).items():
            finding = Finding(each, holding, delta, None)
            _allocate(finding, wallets[holding.owner], named)
            if finding.payment_id is None:
                finding.unmatched = Reason.UNKNOWN_TOKEN
            found.append(finding)
    return found


def _allocate(finding: Finding, wallets_payment: int | None, named: list[int]) -> None:
    """Whose money it is: the wallet's own payment's, or that of the one payment whose reference the transaction names."""
    if finding.delta.amount <= 0:
        finding.left = wallets_payment if finding.delta.amount < 0 else None
        return
    if wallets_payment is not None:
        finding.payment_id = wallets_payment
    elif len(named) == 1:
        finding.payment_id = named[0]
    else:
        finding.unmatched = Reason.SEVERAL_REFERENCES if named else Reason.NO_REFERENCE


def record(findings: Sequence[Finding]) -> Recorded:
    """Write findings down. Locks: the payments concerned in the order of their ids, then the watched accounts in theirs."""
    recorded = Recorded()
    if not findings:
        return recorded
    with transaction.atomic():
        concerned = {finding.payment_id for finding in findings} | {finding.left for finding in findings}
        payment_ids = sorted(payment_id for payment_id in concerned if payment_id is not None)
        payments = list(
            payment_model()
            .objects.filter(pk__in=payment_ids)
            .order_by("pk")
            .select_for_update(no_key=True, of=("self",))
        )
        new = _insert(findings)
        recorded.transfers = len(new)
        fresh = {(finding.transaction.signature, finding.holding.address): finding for finding in findings}
        changes: dict[str, int] = {}
        news: list[News] = []
        unmatched = []
        for (signature, address), transfer_id in new.items():
            finding = fresh[signature, address]
            changes[address] = changes.get(address, 0) + finding.delta.amount - finding.delta.fee
            if finding.unmatched is not None:
                unmatched.append(UnmatchedReceipt(transfer_id=transfer_id, reason=finding.unmatched))
                news.append(_unmatched_news(finding))
        UnmatchedReceipt.objects.bulk_create(unmatched)
        touched = {fresh[key].payment_id for key in new} - {None}
        news += assess([payment for payment in payments if payment.pk in touched])
        recorded.payments = sorted(payment.pk for payment in payments if payment.pk in touched)
        news += _note_sweeps({payment.pk: payment for payment in payments}, [fresh[key] for key in new])
        write(news)
        _add_to_accounts(changes)
    return recorded


def _insert(findings: Sequence[Finding]) -> dict[tuple[str, str], int]:
    """Insert what is not there yet. Returns the new rows' ids by signature and account."""
    in_order = sorted(findings, key=lambda each: (each.transaction.signature, each.holding.address))
    columns: list[list[Any]] = [
        [each.transaction.signature for each in in_order],
        [each.holding.address for each in in_order],
        [each.holding.owner for each in in_order],
        [each.holding.mint for each in in_order],
        [each.holding.program for each in in_order],
        [each.token_id for each in in_order],
        [each.holding.decimals for each in in_order],
        [each.delta.amount for each in in_order],
        [each.delta.fee for each in in_order],
        [each.transaction.slot for each in in_order],
        [each.transaction.block_time for each in in_order],
        [each.payment_id for each in in_order],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, columns)
        return {(signature, account): row_id for row_id, signature, account in cursor.fetchall()}


def _add_to_accounts(changes: dict[str, int]) -> None:
    in_order = sorted(changes)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ACCOUNTS, [in_order])
        cursor.execute(_ADD, [in_order, [changes[address] for address in in_order]])


def _note_sweeps(payments: Mapping[int, AbstractPayment], findings: Sequence[Finding]) -> list[News]:
    """The news of money that left one-time wallets for good. What the signer sent back to payers is no sweep."""
    gone = [(payments[each.left], each) for each in findings if each.left is not None]
    if not gone:
        return []
    signatures = sorted({finding.transaction.signature for _, finding in gone})
    refunds = set(
        SignerLeg.objects.filter(attempt__signature__in=signatures, kind=Kind.REFUND).values_list(
            "attempt__signature", "origin", "mint"
        )
    )
    news = []
    for payment, finding in gone:
        signature, holding = finding.transaction.signature, finding.holding
        if (signature, holding.owner, holding.mint) in refunds:
            continue
        at = finding.transaction.block_time
        payment.swept_at = max(payment.swept_at, at) if payment.swept_at and at else payment.swept_at or at
        payload = {
            "payment": payment.public_id,
            "purpose": payment.purpose,
            "signature": signature,
            "account": holding.address,
            "mint": holding.mint,
            "amount": str(-finding.delta.amount),
        }
        news.append(News(f"{payment.public_id}:swept:{signature}:{holding.address}", "swept", payment.pk, payload))
    update_rows(list({payment.pk: payment for payment, _ in gone}.values()), ("swept_at",))
    return news


def _unmatched_news(finding: Finding) -> News:
    signature, address = finding.transaction.signature, finding.holding.address
    payload = {
        "signature": signature,
        "account": address,
        "mint": finding.holding.mint,
        "amount": str(finding.delta.amount),
        "reason": str(finding.unmatched),
    }
    return News(f"unmatched:{signature}:{address}", "unmatched", None, payload)


# In the order of the unique constraint, so that two recorders of the same transactions wait and do not lock each other out.
# Expected row count: as many as are new.
_INSERT = """
INSERT INTO mutoscope_solana_transfer
    (signature, account, owner, mint, program, token_id, decimals, amount, fee, slot, block_time, payment_id)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::smallint[], %s::numeric[],
    %s::numeric[], %s::bigint[], %s::timestamptz[], %s::bigint[])
ON CONFLICT ON CONSTRAINT mutoscope_solana_transfer_recorded_once DO NOTHING
RETURNING id, signature, account
"""
_LOCK_ACCOUNTS = """
SELECT 1 FROM mutoscope_solana_watchedaccount WHERE address = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
_ADD = """
UPDATE mutoscope_solana_watchedaccount AS account SET recorded = account.recorded + change.amount
FROM unnest(%s::text[], %s::numeric[]) AS change (address, amount) WHERE account.address = change.address
"""
