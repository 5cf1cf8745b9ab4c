"""The smallest project that has the engine: settings for processes that tests start."""

from __future__ import annotations

import os

from mutoscope.engines.postgres.conninfo import database_settings

SECRET_KEY = "tests only"
INSTALLED_APPS = ["django.contrib.contenttypes", "mutoscope.engines.solana"]
DATABASES = {"default": database_settings(os.environ["PROJECT_DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
SOLANA_SIGNER_CONFIGURATION = os.environ.get("PROJECT_SIGNER_CONFIGURATION")
LOGGING = {
    "version": 1,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
