"""Django's settings for the peer: its own defaults, the same database server and the same node."""

import os

from bench.project import DATABASES, SECRET_KEY, USE_TZ

__all__ = ["DATABASES", "SECRET_KEY", "USE_TZ"]

INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_solana_payments"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SOLANA_PAYMENTS = {
    "RPC_URL": os.environ["BENCH_RPC_URL"],
    "RECEIVER_ADDRESS": os.environ["BENCH_MERCHANT"],
    "FEE_PAYER_KEYPAIR": os.environ["BENCH_FEE_PAYER"],
    "ONE_TIME_WALLETS_ENCRYPTION_KEY": os.environ["BENCH_FERNET"],
}
LOGGING_CONFIG = None
