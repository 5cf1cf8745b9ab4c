"""Asking the signer for what payments left in their one-time wallets. Asks no chain; the signer looks before it moves anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from mutoscope.engines.solana.payments.abstract import ReceivesBy
from mutoscope.engines.solana.payments.domain.states import Status
from mutoscope.engines.solana.payments.swapped import payment_model
from mutoscope.engines.solana.signer.models import JobState, Kind, SignerJob
from mutoscope.engines.solana.signer.requests import request_reclaim, request_sweep
from mutoscope.engines.solana.wallets.models import Wallet
from mutoscope.engines.solana.watcher.models import WatchedAccount

# The signer's turn, and the time that finality takes.
LOOKED_AT_AFTER = timedelta(seconds=60)


def request_sweeps(payments: Sequence[str] = (), *, patience: timedelta | None = None) -> int:
    """A sweep for each account with recorded money of ended payments with these public ids, or of all. Returns how many.

    A payment that is still open is left alone even if it is named: a wallet that is emptied while somebody pays confuses. With
    `patience` so is an account of which the signer refused one not longer ago: a cap does not go away by asking again.
    """
    with transaction.atomic():
        accounts = _worth_asking(Kind.SWEEP, _accounts(payments, recorded__gt=0), patience)
        for wallet, account in accounts:
            request_sweep(wallet, account.token.mint)
        # When the money has gone is news as well, and the pace of ended payments would find it out late.
        soon = timezone.now() + LOOKED_AT_AFTER
        WatchedAccount.objects.filter(pk__in=[account.pk for _, account in accounts]).update(next_look_at=soon)
    return len(accounts)


def request_reclaims(payments: Sequence[str] = (), *, patience: timedelta | None = None) -> int:
    """A reclaim for each token account without recorded money, of ended payments. Returns how many. `patience` as for sweeps.

    The signer closes only what exists and is empty on chain.
    """
    with transaction.atomic():
        empty = _accounts(payments, recorded=0, complete_at__isnull=False)
        asked = [
            request_reclaim(wallet, account.token.mint)
            for wallet, account in _worth_asking(Kind.RECLAIM, empty, patience)
            if account.token.mint and account.until_signature and not _is_reclaimed(wallet, account)
        ]
    return len(asked)


def _is_reclaimed(wallet: Wallet, account: WatchedAccount) -> bool:
    done = SignerJob.objects.filter(kind=Kind.RECLAIM, wallet=wallet, mint=account.token.mint, state=JobState.SETTLED)
    return done.exists()


def _worth_asking(
    kind: Kind, accounts: list[tuple[Wallet, WatchedAccount]], patience: timedelta | None
) -> list[tuple[Wallet, WatchedAccount]]:
    """Those of which nothing like it was refused within `patience`."""
    if patience is None:
        return accounts
    refused = SignerJob.objects.filter(
        kind=kind,
        wallet__in=[wallet for wallet, _ in accounts],
        state__in=(JobState.FAILED, JobState.VOIDED),
        changed_at__gt=timezone.now() - patience,
    )
    known = set(refused.values_list("wallet_id", "mint"))
    return [(wallet, account) for wallet, account in accounts if (wallet.pk, account.token.mint) not in known]


def _accounts(payments: Sequence[str], **columns: Any) -> list[tuple[Wallet, WatchedAccount]]:
    ended = payment_model().objects.filter(
        receives_by=ReceivesBy.WALLET, status__in=[Status.SETTLED.value, Status.EXPIRED.value]
    )
    if payments:
        ended = ended.filter(public_id__in=payments)
    rows = list(
        WatchedAccount.objects.filter(payment__in=ended, kind=WatchedAccount.Kind.ONE_TIME, **columns)
        .select_related("token")
        .order_by("pk")
    )
    # Wallets that the project made itself are its own to empty.
    wallets = {wallet.address: wallet for wallet in Wallet.objects.filter(address__in=[row.owner for row in rows])}
    return [(wallets[row.owner], row) for row in rows if row.owner in wallets]
