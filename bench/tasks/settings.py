"""Django's settings for what is measured of ours."""

from __future__ import annotations

from bench.project import DATABASES, SECRET_KEY, USE_TZ

__all__ = ["DATABASES", "SECRET_KEY", "USE_TZ"]

INSTALLED_APPS = ["mutoscope.engines.tasks"]
TASKS = {"default": {"BACKEND": "mutoscope.engines.tasks.queue.backend.PostgresBackend"}}
