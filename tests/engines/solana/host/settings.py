"""A project that brings its own payment model, and its own token model where HOST_BRINGS says so."""

from __future__ import annotations

import os

from mutoscope.engines.postgres.conninfo import database_settings

SECRET_KEY = "tests only"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "mutoscope.engines.solana",
    "tests.engines.solana.host.store",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
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
ROOT_URLCONF = "tests.engines.solana.host.urls"
ALLOWED_HOSTS = ["testserver"]
DATABASES = {"default": database_settings(os.environ["PROJECT_DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
MUTOSCOPE_SOLANA_PAYMENT_MODEL = "store.OrderPayment"
if os.environ["HOST_BRINGS"] == "both":
    MUTOSCOPE_SOLANA_TOKEN_MODEL = "store.Coin"
