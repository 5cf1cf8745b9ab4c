"""Django's settings for the peer: its own defaults, the same database server and the same node."""

import os

from psycopg.conninfo import conninfo_to_dict

_parts = conninfo_to_dict(os.environ["BENCH_DATABASE_URL"])
SECRET_KEY = "only for benchmarks"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_solana_payments"]
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
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SOLANA_PAYMENTS = {
    "RPC_URL": os.environ["BENCH_RPC_URL"],
    "RECEIVER_ADDRESS": os.environ["BENCH_MERCHANT"],
    "FEE_PAYER_KEYPAIR": os.environ["BENCH_FEE_PAYER"],
    "ONE_TIME_WALLETS_ENCRYPTION_KEY": os.environ["BENCH_FERNET"],
}
LOGGING_CONFIG = None
