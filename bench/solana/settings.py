"""Django's settings for what is measured of ours: one app, one database, one node."""

from __future__ import annotations

import os

from psycopg.conninfo import conninfo_to_dict

_parts = conninfo_to_dict(os.environ["BENCH_DATABASE_URL"])
SECRET_KEY = "only for benchmarks"
INSTALLED_APPS = ["mutoscope.engines.solana", "mutoscope.engines.sequences"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _parts["dbname"],
        "USER": _parts.get("user", ""),
        "HOST": _parts.get("host", ""),
        "CONN_MAX_AGE": None,
    }
}
USE_TZ = True
MUTOSCOPE_SOLANA = {
    "RPC": [{"URL": os.environ["BENCH_RPC_URL"], "CALLS_PER_10_S": 1_000_000}],
    "CLUSTER": os.environ["BENCH_GENESIS_HASH"],
    "RECEIVE_TO": os.environ["BENCH_MERCHANT"],
    "WALLETS": "bench.solana.ours.claim",
    "TICK_S": 0.001,
    "TRANSACTIONS_PER_TICK": 1000,
}
