"""One look at the chain: at wallets by their balances, a hundred to a call; at the merchant's accounts by new transactions.

However many payments wait, an account in which nothing changed costs a hundredth of a call, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, Q

from mutoscope.engines.solana.conf import Configuration
from mutoscope.engines.solana.payments.abstract import ReceivesBy
from mutoscope.engines.solana.payments.assessing import OPEN
from mutoscope.engines.solana.payments.domain.deltas import Transaction, Unreadable
from mutoscope.engines.solana.payments.domain.states import Status
from mutoscope.engines.solana.payments.recording import find
from mutoscope.engines.solana.payments.swapped import payment_model
from mutoscope.engines.solana.rpc import questions
from mutoscope.engines.solana.rpc.client import Rpc
from mutoscope.engines.solana.rpc.errors import RpcRefused
from mutoscope.engines.solana.rpc.questions import Balance
from mutoscope.engines.solana.watcher.leaving import left_unrecorded
from mutoscope.engines.solana.watcher.models import WatchedAccount
from mutoscope.engines.solana.watcher.pace import pause_s
from mutoscope.engines.solana.watcher.walking import Walked, step

PAGE = questions.ACCOUNTS_A_CALL
# Of one wallet in one look, so that one that is flooded with dust holds nobody else up.
TRANSACTIONS_A_WALLET = 100
SHOWN_A_LOOK = 50
IDLE_PAUSE_S = 30.0
_RANK = {Status.WAITING: 0, Status.SEEN: 1, Status.CONFIRMED: 2}


@dataclass
class Progress:
    """What a look has seen of payments that is not final, by payment id."""

    statuses: dict[int, Status] = field(default_factory=dict)

    def note(self, payment_id: int, status: Status) -> None:
        """Keep the furthest that any of the payment's accounts shows."""
        known = self.statuses.get(payment_id, Status.WAITING)
        self.statuses[payment_id] = max(known, status, key=_RANK.__getitem__)


@dataclass
class Looker:
    """What looking needs. `shown` remembers, between looks, which payment an unfinal transaction is for."""

    rpc: Rpc
    pool: ThreadPoolExecutor
    configured: Configuration
    shown: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def wallets(self, progress: Progress) -> int:
        """Look at the one-time wallets that are due. Returns how many accounts."""
        asked_at = database_now()
        looked = 0
        for page in _due_pages(asked_at):
            looked += len(page)
            held = questions.balances(self.rpc, [account.address for account in page], "processed")
            for account in page:
                account.observed = amount_of(account, held.get(account.address))
            left = left_unrecorded(page)
            changed = [account for account in page if account.pk in left or self._is_worth_a_walk(account)]
            walks = {walked.account.pk: walked for walked in self._walk(changed)}
            if walks:
                _refresh(list(walks.values()))
            for account in page:
                _note(account, walks.get(account.pk), progress)
            self._write(page, walks, asked_at)
        return looked

    def receiving(self, progress: Progress) -> int:
        """Look at the merchant's own accounts, if anybody may be about to pay there. Returns how many accounts."""
        asked_at = database_now()
        waiting = payment_model().objects.filter(receives_by=ReceivesBy.REFERENCE, status__in=OPEN)
        due = WatchedAccount.objects.filter(kind=WatchedAccount.Kind.RECEIVING, next_look_at__isnull=False)
        is_busy = waiting.exists()
        if not is_busy:
            due = due.filter(next_look_at__lte=asked_at)
        accounts = list(due.select_related("token").order_by("pk"))
        if not accounts:
            return 0
        walks = step(self.rpc, self.pool, accounts, self.configured.transactions_per_tick)
        self._show(walks, progress)
        if len(walks) == len(accounts):
            ids = waiting.filter(status__in=(Status.SEEN, Status.CONFIRMED)).values_list("pk", flat=True)
            for payment_id in ids:
                progress.note(payment_id, Status.WAITING)
        pause = self.configured.tick_s if is_busy else max(IDLE_PAUSE_S, self.configured.tick_s)
        complete = {walked.account.pk for walked in walks if walked.is_complete}
        _schedule([(account.pk, 0, pause, account.pk in complete) for account in accounts], asked_at, observe=False)
        return len(accounts)

    def _is_worth_a_walk(self, account: WatchedAccount) -> bool:
        if account.before_signature:
            return True
        surplus = account.observed - (account.opening or 0) - account.recorded
        # Dust in an untouched wallet is left to the audit.
        return surplus != 0 and not (account.recorded == 0 and 0 < surplus < account.token.dust_below)

    def _walk(self, accounts: Sequence[WatchedAccount]) -> Iterator[Walked]:
        a_step = max(1, self.configured.transactions_per_tick // TRANSACTIONS_A_WALLET) * 25
        for start in range(0, len(accounts), a_step):
            yield from step(self.rpc, self.pool, accounts[start : start + a_step], TRANSACTIONS_A_WALLET)

    def _show(self, walks: Sequence[Walked], progress: Progress) -> None:
        unfinal = dict.fromkeys(mention.signature for walked in walks for mention in walked.unfinal)
        self.shown = {signature: payments for signature, payments in self.shown.items() if signature in unfinal}
        new = [signature for signature in unfinal if signature not in self.shown][:SHOWN_A_LOOK]
        # Nodes are asked by threads, the database by this one.
        for signature, transaction in zip(new, self.pool.map(self._confirmed, new), strict=True):
            found = find([transaction]) if transaction else []
            self.shown[signature] = tuple({each.payment_id for each in found if each.payment_id is not None})
        for payments in self.shown.values():
            for payment_id in payments:
                progress.note(payment_id, Status.CONFIRMED)

    def _confirmed(self, signature: str) -> Transaction | None:
        try:
            return questions.confirmed_transaction(self.rpc, signature)
        except (Unreadable, RpcRefused):
            return None

    def _write(self, page: Sequence[WatchedAccount], walks: dict[int, Walked], asked_at: datetime) -> None:
        rows = []
        for account in page:
            walked = walks.get(account.pk)
            pause: float | None = self._pause_s(account, asked_at)
            if walked and not walked.is_complete:
                pause = 0.0
            is_settled = account.observed == (account.opening or 0) + account.recorded
            rows.append((account.pk, account.observed, pause, is_settled and (walked is None or walked.is_complete)))
        _schedule(rows, asked_at, observe=True)

    def _pause_s(self, account: WatchedAccount, asked_at: datetime) -> float | None:
        payment = account.payment
        assert payment is not None
        ended_at = payment.settled_at or payment.expired_at
        return pause_s(
            (asked_at - payment.created_at).total_seconds(),
            (asked_at - ended_at).total_seconds() if ended_at else None,
            self.configured.tick_s,
            self.configured.watch_ended_for_s,
        )


def amount_of(account: WatchedAccount, balance: Balance | None) -> int:
    """What an account holds of its token. The token account's own rent is not money received."""
    if balance is None:
        return 0
    if not account.token.mint:
        return balance.lamports
    return balance.tokens if balance.program == account.token.program else 0


def database_now() -> datetime:
    """The moment by the database's clock, which all processes share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def still_pending(payment_ids: Sequence[int]) -> set[int]:
    """Of these payments, those with an account in which something was seen that is not recorded."""
    differs = ~Q(observed=F("opening") + F("recorded"))
    rows = WatchedAccount.objects.filter(differs, payment__in=payment_ids)
    return set(rows.values_list("payment_id", flat=True))


def _due_pages(asked_at: datetime) -> Iterator[list[WatchedAccount]]:
    """Accounts that are due, a hundred at a time, so that memory holds a hundred however many wait."""
    rows = WatchedAccount.objects.select_related("token", "payment").order_by("next_look_at", "pk")
    after: tuple[datetime | None, int] = (None, 0)
    while due := _due_after(asked_at, *after):
        after = due[-1]
        if page := list(rows.filter(pk__in=[account_id for _, account_id in due])):
            yield page


def _due_after(asked_at: datetime, after: datetime | None, after_id: int) -> list[tuple[datetime, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"asked_at": asked_at, "after": after, "after_id": after_id, "limit": PAGE})
        due: list[tuple[datetime, int]] = cursor.fetchall()
        return due


def _refresh(walks: Sequence[Walked]) -> None:
    """Read again what the walks have recorded."""
    recorded = dict(
        WatchedAccount.objects.filter(pk__in=[each.account.pk for each in walks]).values_list("pk", "recorded")
    )
    payments = payment_model().objects.in_bulk([each.account.payment_id for each in walks])
    for walked in walks:
        walked.account.recorded = recorded[walked.account.pk]
        walked.account.payment = payments[walked.account.payment_id]


def _note(account: WatchedAccount, walked: Walked | None, progress: Progress) -> None:
    payment = account.payment
    assert payment is not None
    if payment.status not in OPEN:
        return
    surplus = account.observed - (account.opening or 0) - account.recorded
    if walked and walked.unfinal:
        progress.note(payment.pk, Status.CONFIRMED)
    elif surplus > 0 and surplus >= account.token.dust_below:
        progress.note(payment.pk, Status.SEEN)
    elif payment.status != Status.WAITING:
        progress.note(payment.pk, Status.WAITING)


def _schedule(rows: Sequence[tuple[int, int, float | None, bool]], asked_at: datetime, *, observe: bool) -> None:
    """Write down a look at accounts: id, what was seen, seconds until the next look, and whether all is recorded."""
    ids, observed, pauses, complete = zip(*rows, strict=True)
    parameters: list[Any] = [observe, asked_at, asked_at, list(ids), list(observed), list(pauses), list(complete)]
    with connection.cursor() as cursor:
        cursor.execute(_SCHEDULE, parameters)


# Behind the last of the page before, by a comparison of rows, which an index answers at once: before it lie the entries of all
# that this look has put off, and whole crowds are due at one moment. Expected row count: a page.
_DUE = """
SELECT next_look_at, id FROM mutoscope_solana_watchedaccount
WHERE kind = 'one_time' AND next_look_at <= %(asked_at)s
  AND (next_look_at, id) > (coalesce(%(after)s::timestamptz, '-infinity'), %(after_id)s)
ORDER BY next_look_at, id LIMIT %(limit)s
"""
# A little early, since a look begins a moment before it asks what is due; but always later than this look.
# Locks: the accounts, for the statement; nobody else updates many of them. Expected row count: a page.
_SCHEDULE = """
UPDATE mutoscope_solana_watchedaccount AS account
SET observed = CASE WHEN %s THEN look.observed ELSE account.observed END,
    next_look_at = %s + make_interval(secs => greatest(look.pause_s * 0.9, 0.001)),
    complete_at = CASE WHEN look.is_complete THEN greatest(account.complete_at, %s) ELSE account.complete_at END
FROM unnest(%s::bigint[], %s::numeric[], %s::float[], %s::bool[]) AS look (id, observed, pause_s, is_complete)
WHERE account.id = look.id
"""
