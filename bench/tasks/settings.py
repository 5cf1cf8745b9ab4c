"""Django's settings for what is measured of ours."""

from __future__ import annotations

import os

from psycopg.conninfo import conninfo_to_dict

_parts = conninfo_to_dict(os.environ["BENCH_DATABASE_URL"])
SECRET_KEY = "only for benchmarks"
INSTALLED_APPS = ["mutoscope.engines.tasks"]
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
TASKS = {"default": {"BACKEND": "mutoscope.engines.tasks.queue.backend.PostgresBackend"}}
