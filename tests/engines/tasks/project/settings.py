"""Settings of the minimal project. The database's URL comes from the environment."""

from __future__ import annotations

import json
import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict


def database(url: str) -> dict[str, Any]:
    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts.get("user", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


SECRET_KEY = "only for tests"
INSTALLED_APPS = ["mutoscope.engines.tasks", "tests.engines.tasks.project"]
DATABASES = {"default": database(os.environ["PROJECT_DATABASE_URL"])}
if "PROJECT_DIRECT_URL" in os.environ:
    DATABASES["direct"] = database(os.environ["PROJECT_DIRECT_URL"])
USE_TZ = True
if "PROJECT_ADMIN" in os.environ:
    INSTALLED_APPS += [
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
    ]
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ]
    ROOT_URLCONF = "tests.engines.tasks.project.urls"
    STATIC_URL = "/static/"
    ALLOWED_HOSTS = ["127.0.0.1"]
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TASKS = {
    "default": {
        "BACKEND": "mutoscope.engines.tasks.queue.backend.PostgresBackend",
        "QUEUES": ["default", "other", "children", "slow"],
        "OPTIONS": json.loads(os.environ.get("PROJECT_TASKS_OPTIONS", "{}")),
    }
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("PROJECT_LOG_LEVEL", "INFO")},
}
