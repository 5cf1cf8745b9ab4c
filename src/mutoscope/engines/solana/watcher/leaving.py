"""Accounts out of which the signer moved money that the records do not show yet.

A balance says nothing of money that came and went between two looks at it; a sweep that settled does. So such an account
is walked through however little its balance differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from mutoscope.engines.solana.payments.models import Transfer
from mutoscope.engines.solana.payments.swapped import token_model
from mutoscope.engines.solana.signer.models import JobState, Kind, SignerAttempt, SignerLeg
from mutoscope.engines.solana.watcher.models import WatchedAccount


def left_unrecorded(accounts: Sequence[WatchedAccount]) -> set[int]:
    """Of these accounts, the ids of those that a settled transaction of the signer took from without a record of it."""
    wanted: dict[str, Any] = {
        "ids": [account.pk for account in accounts],
        "settled": JobState.SETTLED.value,
        "kinds": [Kind.SWEEP.value, Kind.REFUND.value],
    }
    with connection.cursor() as cursor:
        cursor.execute(_left(), wanted)
        return {row[0] for row in cursor.fetchall()}


def _left() -> str:
    # Expected row count: none but for the minute after a sweep.
    accounts, tokens = WatchedAccount._meta.db_table, token_model()._meta.db_table
    legs, attempts, transfers = SignerLeg._meta.db_table, SignerAttempt._meta.db_table, Transfer._meta.db_table
    return f"""
        SELECT DISTINCT account.id
        FROM {accounts} AS account
        JOIN {tokens} AS token ON token.id = account.token_id
        JOIN {legs} AS leg ON leg.origin = account.owner AND leg.mint = token.mint AND leg.kind = ANY(%(kinds)s) AND leg.amount > 0
        JOIN {attempts} AS attempt ON attempt.id = leg.attempt_id AND attempt.state = %(settled)s
        WHERE account.id = ANY(%(ids)s) AND NOT EXISTS (
            SELECT 1 FROM {transfers} AS transfer
            WHERE transfer.signature = attempt.signature AND transfer.account = account.address)
    """  # noqa: S608 - names of our own tables
