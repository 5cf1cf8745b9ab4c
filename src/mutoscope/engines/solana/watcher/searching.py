"""Searching for money that no watched account shows: a token nobody offered, in an account of its own.

Such a transfer names neither the wallet nor any account that was offered, so no balance that is looked at moves. Asking
for all accounts of a wallet is dear; so each payment is searched when its time is over, and then each time it has become
twice as old. In a year that is some fourteen searches a payment, however often balances are looked at. The merchant's own
wallets are searched at each audit.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db.models import Min, Sum

from mutoscope.engines.solana.payments.abstract import AbstractPayment, ReceivesBy
from mutoscope.engines.solana.payments.domain.addresses import TOKEN_PROGRAMS, associated_token_account
from mutoscope.engines.solana.payments.domain.deltas import Unreadable
from mutoscope.engines.solana.payments.models import Transfer
from mutoscope.engines.solana.payments.rows import update_rows
from mutoscope.engines.solana.rpc import questions
from mutoscope.engines.solana.rpc.client import Rpc
from mutoscope.engines.solana.rpc.errors import RpcRefused
from mutoscope.engines.solana.rpc.questions import Mention
from mutoscope.engines.solana.signer.models import JobState, Kind, SignerLeg
from mutoscope.engines.solana.watcher.looking import database_now
from mutoscope.engines.solana.watcher.models import StraySearch, WatchedAccount
from mutoscope.engines.solana.watcher.walking import CLOCKS_DIFFER, RECORDED_AT_ONCE, record_final

log = logging.getLogger(__name__)

# In one look, so that a thousand payments that end together hold nobody up.
SEARCHES_A_LOOK = 20
PAUSE_MIN = timedelta(hours=1)
# Of one wallet: whoever makes more pays rent for each.
ACCOUNTS_A_WALLET = 50
PAGES_AN_ACCOUNT = 5


def search_due(rpc: Rpc, pool: ThreadPoolExecutor) -> int:
    """Search the payments that are due, up to twenty; how many. Raises RpcUnavailable; they stay due then.

    Two calls for a one-time wallet and one for a reference, and more only where something is there that is not recorded.
    """
    now = database_now()
    due = list(
        StraySearch.objects.filter(due_at__lte=now).select_related("payment").order_by("due_at")[:SEARCHES_A_LOOK]
    )
    payments = [search.payment for search in due]
    wallets = [payment for payment in payments if payment.receives_by == ReceivesBy.WALLET]
    addresses = [str(payment.reference) for payment in payments if payment.receives_by == ReceivesBy.REFERENCE]
    addresses += _unexplained(rpc, pool, [payment.recipient for payment in wallets])
    _record(rpc, pool, addresses)
    for search in due:
        search.searched_at = now
        search.due_at = now + max(PAUSE_MIN, _age(search.payment, now))
    update_rows(due, ("searched_at", "due_at"))
    return len(due)


def search_own(rpc: Rpc, pool: ThreadPoolExecutor) -> None:
    """Search the merchant's own wallets for tokens that were not configured, since payments are received there.

    Two calls a wallet, and one or more for each account of such a token that the records do not explain: what was in it before is
    nobody's payment and stays unexplained. Raises RpcUnavailable.
    """
    receiving = WatchedAccount.objects.filter(kind=WatchedAccount.Kind.RECEIVING)
    for owner, since in receiving.order_by().values_list("owner").annotate(since=Min("since")):
        _record(rpc, pool, _unexplained(rpc, pool, [owner]), since - CLOCKS_DIFFER)


def _age(payment: AbstractPayment, now: datetime) -> timedelta:
    return now - payment.created_at


def _unexplained(rpc: Rpc, pool: ThreadPoolExecutor, wallets: Sequence[str]) -> list[str]:
    """Token accounts of these wallets that nobody watches and whose balance the records do not explain."""
    held: dict[str, int] = {}
    for found in pool.map(lambda wallet: _token_accounts(rpc, wallet), wallets):
        held |= found
    watched = set(WatchedAccount.objects.filter(address__in=held).values_list("address", flat=True))
    sums = Transfer.objects.filter(account__in=held).order_by().values_list("account").annotate(sum=Sum("amount"))
    recorded = dict(sums)
    # Nobody records what leaves an account that is not watched; the same amount, sent again after a refund, must not look recorded.
    for address, sent_back in _sent_back(wallets).items():
        recorded[address] = recorded.get(address, 0) - sent_back
    return [
        address for address, amount in held.items() if address not in watched and amount != recorded.get(address, 0)
    ]


def _sent_back(wallets: Sequence[str]) -> dict[str, int]:
    """What the signer sent back out of these wallets, by token account."""
    legs = SignerLeg.objects.filter(
        origin__in=wallets, kind=Kind.REFUND, binding=True, attempt__state=JobState.SETTLED
    ).exclude(mint="")
    sums = legs.order_by().values_list("origin", "mint").annotate(sum=Sum("amount"))
    return {
        associated_token_account(origin, mint, program): amount
        for origin, mint, amount in sums
        for program in TOKEN_PROGRAMS
    }


def _token_accounts(rpc: Rpc, owner: str) -> dict[str, int]:
    try:
        found = questions.token_accounts(rpc, owner)
    except (Unreadable, RpcRefused) as problem:
        _warn(owner, problem)
        return {}
    fullest = sorted(found, key=lambda address: -found[address])[:ACCOUNTS_A_WALLET]
    return {address: found[address] for address in fullest if found[address]}


def _record(rpc: Rpc, pool: ThreadPoolExecutor, addresses: Sequence[str], since: datetime | None = None) -> None:
    """Record every final transaction that names one of these, is not recorded, and is no older than `since`."""
    mentions = [each for listed in pool.map(lambda address: _mentions(rpc, address), addresses) for each in listed]
    times = {
        each.signature: each.block_time
        for each in mentions
        if each.is_final and not each.is_failed and not (since and each.block_time and each.block_time < since)
    }
    known = set(Transfer.objects.filter(signature__in=times).values_list("signature", flat=True))
    wanted = [signature for signature in times if signature not in known]
    for start in range(0, len(wanted), RECORDED_AT_ONCE):
        record_final(rpc, pool, wanted[start : start + RECORDED_AT_ONCE], times)


def _mentions(rpc: Rpc, address: str) -> list[Mention]:
    found: list[Mention] = []
    try:
        for _ in range(PAGES_AN_ACCOUNT):
            before = found[-1].signature if found else ""
            page = questions.mentions(rpc, address, before=before, limit=questions.SIGNATURES_A_CALL)
            found += page
            if len(page) < questions.SIGNATURES_A_CALL:
                break
    except (Unreadable, RpcRefused) as problem:
        _warn(address, problem)
    return found


def _warn(address: str, problem: Exception) -> None:
    log.warning(
        "account %s not searched: %s",
        address,
        problem,
        extra={"action": "search_failed", "account": address, "why": str(problem)},
    )
