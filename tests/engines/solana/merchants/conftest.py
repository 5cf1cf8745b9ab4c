"""The shop with its addresses and what it sells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import override_settings

from tests.engines.solana.payments.shop import Shop

HERE = "tests.engines.solana.merchants.site"


@pytest.fixture
def selling(shop: Shop) -> Iterator[Shop]:
    offered = {**settings.MUTOSCOPE_SOLANA, "OFFERS": f"{HERE}.offers"}
    with override_settings(
        ROOT_URLCONF=HERE,
        CSRF_FAILURE_VIEW="django.views.csrf.csrf_failure",
        MUTOSCOPE_SOLANA=offered,
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
    ):
        yield shop
