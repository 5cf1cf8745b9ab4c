"""One-time wallets: addresses that the signer derives ahead of time, and anybody claims without a key and without a call."""

from __future__ import annotations

from mutoscope.engines.solana.wallets.pool import PoolEmpty, PoolStatus, claim, pool_status

__all__ = ["PoolEmpty", "PoolStatus", "claim", "pool_status"]
