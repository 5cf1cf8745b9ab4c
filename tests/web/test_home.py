"""What the home page promises."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fee_bps", "words"),
    [
        (1000, "What you pay goes to the channel; the site keeps 10 % of it."),
        (250, "What you pay goes to the channel; the site keeps 2.5 % of it."),
        (0, "What you pay goes to the channel. There are no advertisements"),
    ],
)
def test_it_says_what_the_site_keeps(client: Client, settings: Any, fee_bps: int, words: str) -> None:
    settings.FEE_BPS = fee_bps
    assert words in client.get("/").content.decode()
