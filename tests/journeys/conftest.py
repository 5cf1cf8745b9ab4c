"""A real browser on a real server: Chromium, the site over HTTP, PostgreSQL. A story fails on anything in the console."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.engines.solana.payments.shop import Shop as Merchant
from tests.journeys.leaving import answered_in_the_end, leave
from tests.journeys.paying import film_merchant, film_shop
from tests.journeys.visitor import Visitor
from tests.platform.billing.shop import Shop

# Long, for a busy machine: a story that goes well never waits for it.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

# Without a screen Chromium still has its address bar, and makes two pages of its own for that in each new window, which cost
# more than the window. The last such argument counts alone, so what Playwright turns off itself is named again.
TURNED_OFF = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
)  # fmt: skip

CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(TURNED_OFF)}",
]

LEDGER = (
    "account", "sub_balance", "journal", "reference", "backdated", "entry_apart", "open_hold", "seal", "snapshot",
)  # fmt: skip


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # While it is open, Playwright keeps an event loop in this thread, from which Django would conclude that its queries run
    # inside it. Closed and unset before the tests of another folder, which may look at the environment.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(live_server: LiveServer, settings: Any) -> Iterator[str]:
    """The site's address, with mail going where it goes in a sandbox: into the table, and from there to the outbox page."""
    settings.EMAIL_BACKEND = "mutoscope.platform.support.mail.backend.OutboxBackend"
    cache.clear()  # its table is no model's, so emptying the database between tests leaves it
    with answered_in_the_end():
        yield str(live_server.url)


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Callable[..., Visitor]]:
    """`visit()` opens a fresh browser window with its own cookies; options are those of a browser context."""
    visitors: list[Visitor] = []

    def open_window(**options: Any) -> Visitor:
        context: BrowserContext = browser.new_context(
            **{"base_url": site, "color_scheme": "dark", "viewport": {"width": 1280, "height": 800}, **options}
        )
        context.set_default_timeout(PATIENCE_MS)
        page: Page = context.new_page()
        visitor = Visitor(page, site)
        visitors.append(visitor)
        return visitor

    yield open_window
    leave([visitor.page.context for visitor in visitors])
    troubles = [trouble for visitor in visitors for trouble in visitor.troubles]
    assert not troubles, "the browser complained: " + "\n".join(troubles)


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    return visit()


@pytest.fixture
def empty_books(transactional_db: None) -> None:
    """No story takes back what it posted: the ledger refuses, and whoever empties the tables between stories leaves it out.

    So its guards are taken away for a moment, by the owner of the tables.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for table in LEDGER:
            cursor.execute(f"ALTER TABLE ledger_{table} DISABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE {', '.join(f'ledger_{table}' for table in LEDGER)}")
        for table in LEDGER:
            cursor.execute(f"ALTER TABLE ledger_{table} ENABLE TRIGGER USER")


@pytest.fixture
def films_folder(settings: Any, tmp_path: Path) -> None:
    films = {"BACKEND": settings.STORAGES["films"]["BACKEND"], "OPTIONS": {"location": tmp_path / "films"}}
    settings.STORAGES = {**settings.STORAGES, "films": films}


@pytest.fixture
def shop(site: str, films_folder: None) -> Shop:
    return film_shop()


@pytest.fixture
def merchant(site: str) -> Iterator[Merchant]:
    with film_merchant() as opened:
        yield opened
