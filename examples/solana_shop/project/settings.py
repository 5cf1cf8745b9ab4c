"""A Django project as `startproject` leaves it, with PostgreSQL; what is between the two marks is the integration."""

import os
from pathlib import Path

from mutoscope.engines.postgres.conninfo import database_settings

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("SHOP_SECRET_KEY", "only for trying out")
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.staticfiles", "shop"]
MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
ROOT_URLCONF = "project.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES = {"default": database_settings(os.environ["SHOP_DATABASE_URL"])}
STATIC_URL = "static/"
USE_TZ = True

# --- the integration: four lines here
INSTALLED_APPS += ["mutoscope.engines.solana"]
MUTOSCOPE_SOLANA = {
    "RPC": [os.environ["SHOP_RPC"]], "CLUSTER": os.environ["SHOP_CLUSTER"], "RECEIVE_TO": os.environ["SHOP_WALLET"],
}  # fmt: skip
# ---
