"""A shop that sells a film for points, and a merchant that takes play money for them, in front of a browser."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from playwright.sync_api import Page

from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.platform.billing.models import Pack
from tests.engines.solana.payments.shop import Shop as Merchant
from tests.engines.solana.payments.shop import open_shop
from tests.people import make_channel, make_person
from tests.platform.billing.shop import PRICES, Shop
from tests.platform.videos.watch.screenings import new_film

PATIENCE_S = 60


def film_shop() -> Shop:
    """A film that really plays, three terms, three packs."""
    creator = make_person("nora")
    opened = Shop(creator, make_person("petra"), new_film(make_channel(creator)))
    opened.price(PRICES)
    for points, bonus, cents in ((100, 0, 100), (500, 50, 550), (1000, 200, 1200)):
        Pack.objects.create(title=f"{points} points", points=points, bonus_points=bonus, price_usd_cents=cents)
    return opened


@contextmanager
def film_merchant(**configured: Any) -> Iterator[Merchant]:
    """A sandbox chain, whose wallet pays with play money, and whoever watches it."""
    with open_shop(RECEIVE_BY="wallet", **configured) as opened, ExitStack() as pays:
        pays.enter_context(override_settings(TOP_UPS={**settings.TOP_UPS, "PLAY_WALLET": opened.chain.url}))
        yield opened


def watched_until(merchant: Merchant, holds: Callable[[], bool], page: Page) -> None:
    """What `mutoscope watcher` does, until it holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        merchant.glance()
        tell_due()
        page.wait_for_timeout(100)


def plays(page: Page, seconds: float = 0.3) -> None:
    """The film is past so many seconds."""
    page.wait_for_function(
        "seconds => { const v = document.querySelector('[data-video]'); return v && v.currentTime > seconds; }",
        arg=seconds,
        timeout=PATIENCE_S * 1000,
    )


def the_books_agree() -> None:
    """As an operator asks: chain, payments, ledger and entitlements, and then the ledger by itself."""
    said = io.StringIO()
    try:
        call_command("reconcile", stdout=said)
    except SystemExit:
        pytest.fail(said.getvalue())
    assert "All is well" in said.getvalue()
    checked = io.StringIO()
    call_command("ledger", "verify", stdout=checked)
    assert "BROKEN" not in checked.getvalue()
    assert "ok " in checked.getvalue()
