"""What the chain holds against what is recorded of it: the payments engine's own audit, as findings."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from mutoscope.engines.solana.models import WatchedAccount
from mutoscope.engines.solana.payments.domain.deltas import Unreadable
from mutoscope.engines.solana.rpc.errors import RpcError
from mutoscope.engines.solana.watcher.watcher import Watcher

Rows = dict[str, tuple[tuple[Any, ...], ...]]


def audited() -> Rows:
    """Findings by name. Asks nodes, so not to be called in a transaction; where nothing was ever watched, it asks nobody.

    A chain that cannot be asked is a finding too: a comparison that was not made is no all-clear.
    """
    if not settings.MUTOSCOPE_SOLANA["RPC"] or not WatchedAccount.objects.exists():
        return {}
    try:
        with Watcher() as watcher:
            differences = watcher.audit()
    except (RpcError, Unreadable) as trouble:
        return {"chain_not_read": (("chain", None, type(trouble).__name__, str(trouble)),)}
    rows = tuple(("account", each.address, each.on_chain, each.recorded) for each in differences)
    return {"chain_differs": rows} if rows else {}
