"""Django's settings for what is measured of ours: one app, one database, one node."""

from __future__ import annotations

import os

from bench.project import DATABASES, SECRET_KEY, USE_TZ

__all__ = ["DATABASES", "SECRET_KEY", "USE_TZ"]

INSTALLED_APPS = ["mutoscope.engines.solana", "mutoscope.engines.sequences"]
MUTOSCOPE_SOLANA = {
    "RPC": [{"URL": os.environ["BENCH_RPC_URL"], "CALLS_PER_10_S": 1_000_000}],
    "CLUSTER": os.environ["BENCH_GENESIS_HASH"],
    "RECEIVE_TO": os.environ["BENCH_MERCHANT"],
    "WALLETS": "bench.solana.ours.claim",
    "TICK_S": 0.001,
    "TRANSACTIONS_PER_TICK": 1000,
}
