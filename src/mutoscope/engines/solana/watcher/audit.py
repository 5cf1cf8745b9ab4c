"""The sum of what the chain holds against the sum of what is recorded, account by account."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connection

from mutoscope.engines.solana.rpc import questions
from mutoscope.engines.solana.rpc.client import Rpc
from mutoscope.engines.solana.watcher.leaving import left_unrecorded
from mutoscope.engines.solana.watcher.looking import PAGE, amount_of
from mutoscope.engines.solana.watcher.models import WatchedAccount
from mutoscope.engines.solana.watcher.walking import step

log = logging.getLogger(__name__)

PAGES_A_WALK = 50
SIGNATURES_A_PAGE = 500


@dataclass(frozen=True)
class Difference:
    """An account whose balance no known transaction explains, in base units."""

    address: str
    on_chain: int
    recorded: int


def audit(rpc: Rpc, pool: ThreadPoolExecutor, each_page: Callable[[], object] | None = None) -> list[Difference]:
    """Compare every account at finality, a hundred to a call, and walk through those that differ. Returns what still differs."""
    found = []
    for page in _pages():
        on_chain = questions.balances(rpc, [account.address for account in page], "finalized")
        left = left_unrecorded(page)
        for account in page:
            holds = amount_of(account, on_chain.get(account.address))
            is_explained = account.opening is not None and holds == account.opening + account.recorded
            if is_explained and account.pk not in left:
                continue
            # From the beginning, whatever the cursor says: a node may have left something out of a list that a walk has
            # passed, or named a slot that is yet to come. What is recorded is not fetched again.
            account.until_signature, account.until_slot = "", 0
            account.head_signature, account.head_slot, account.before_signature = "", 0, ""
            difference = _walk(rpc, pool, account)
            if difference:
                found.append(difference)
                log.error(
                    "balance of %s not explained: %d on chain, %d recorded",
                    difference.address,
                    difference.on_chain,
                    difference.recorded,
                    extra={
                        "action": "audit_difference",
                        "account": account.address,
                        "on_chain": difference.on_chain,
                        "recorded": difference.recorded,
                    },
                )
        _audited([account.pk for account in page])
        if each_page is not None:
            each_page()
    return found


def _walk(rpc: Rpc, pool: ThreadPoolExecutor, account: WatchedAccount) -> Difference | None:
    """Walk to the end, then compare again, at a moment at which nothing moved between two looks at the balance."""
    for _ in range(PAGES_A_WALK):
        before = questions.balances(rpc, [account.address], "finalized")
        walks = step(rpc, pool, [account], SIGNATURES_A_PAGE)
        if not walks:
            break
        after = questions.balances(rpc, [account.address], "finalized")
        if walks[0].is_complete and before == after:
            break
    account.refresh_from_db()
    holds = amount_of(account, questions.balances(rpc, [account.address], "finalized").get(account.address))
    if account.opening is None and walks and walks[0].is_complete and holds >= account.recorded:
        # The merchant's own account, looked at for the first time: what the records do not explain was there before them.
        account.opening = holds - account.recorded
        account.save(update_fields=["opening"])
    recorded = (account.opening or 0) + account.recorded
    return None if holds == recorded else Difference(account.address, holds, recorded)


def _pages() -> Iterator[list[WatchedAccount]]:
    last = 0
    rows = WatchedAccount.objects.select_related("token").order_by("pk")
    while page := list(rows.filter(pk__gt=last)[:PAGE]):
        last = page[-1].pk
        yield page


def _audited(ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mutoscope_solana_watchedaccount SET audited_at = clock_timestamp() WHERE id = ANY(%s)", [ids]
        )
