"""What every measured Django project has in common: the database server of the run, and a key that keeps nothing."""

from __future__ import annotations

import os

from psycopg.conninfo import conninfo_to_dict

_parts = conninfo_to_dict(os.environ["BENCH_DATABASE_URL"])
SECRET_KEY = "only for benchmarks"
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
