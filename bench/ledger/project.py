"""Settings of a Django project that has nothing but the ledger."""

from __future__ import annotations

import os

from mutoscope.engines.postgres.conninfo import database_settings

SECRET_KEY = "bench"
INSTALLED_APPS = ["mutoscope.engines.ledger"]
DATABASES = {"default": {**database_settings(os.environ["BENCH_DATABASE_URL"]), "CONN_MAX_AGE": None}}
USE_TZ = True
