"""The example project in a real browser, at a desk and on a phone: somebody pays, and the panel says so by itself, step by step."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.solana.chain import Pace, SandboxChain
from tests.databases import scratch_database
from tests.engines.solana.merchants.test_example import EXAMPLE, SOL, serving

ROOT = Path(__file__).resolve().parents[4]
SCREENSHOTS = ROOT / "var" / "screenshots"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
PATIENCE_MS = 60_000
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The example, receiving by one-time wallet: there a payment is seen before any block is confirmed.
SETTINGS = """
from project.settings import *
MUTOSCOPE_SOLANA |= {"RECEIVE_BY": "wallet", "WALLETS": "tests.engines.solana.payments.shop.claim", "TICK_S": 0.5}
"""

pytestmark = pytest.mark.browser


@pytest.fixture
def database(postgres_server: EmbeddedServer) -> Iterator[str]:
    with scratch_database(postgres_server, "solana_panel") as name:
        yield postgres_server.url(name)


@pytest.fixture
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


def test_the_panel_goes_from_waiting_to_paid_by_itself(browser: Browser, database: str, tmp_path: Path) -> None:
    # Its clock moves by hand, so that each step stays until it was seen.
    with SandboxChain(pace=Pace(confirmed_after=2, finalized_after=8)) as chain:
        (tmp_path / "by_wallet.py").write_text(SETTINGS)
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "by_wallet",
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "src")]),
            "SHOP_DATABASE_URL": database,
            "SHOP_RPC": chain.url,
            "SHOP_CLUSTER": str(chain.bank.genesis_hash),
            "SHOP_WALLET": str(Keypair().pubkey()),
        }
        for words in (["migrate", "--verbosity", "0"], ["shell", "--no-imports", "-c", SOL]):
            subprocess.run([sys.executable, "manage.py", *words], cwd=EXAMPLE, env=environment, check=True, timeout=120)
        with serving(environment, tmp_path) as site, watching(environment, tmp_path):
            pages = {size: opened(browser, size, f"{site}/buy/17/") for size in SIZES}
            stands(pages, "waiting", ["Waiting for your payment"])
            address = pages["phone"].locator("dt:has-text('Address') + dd code").inner_text()
            chain.wallet().pay(f"solana:{address}?amount=0.5")
            stands(pages, "seen", ["Waiting for your payment", "Seen on the network"])
            chain.advance(2)
            stands(pages, "confirmed", ["Waiting for your payment", "Seen on the network", "Confirmed"])
            chain.finalize()
            stands(pages, "settled", ["Waiting for your payment", "Seen on the network", "Confirmed", "Paid"])
            for page in pages.values():
                expect(page.get_by_role("status")).to_have_text("Thank you, your payment has arrived.")
                signature = page.locator("[data-signature] code").inner_text()
                assert chain.call("getSignatureStatuses", [signature])["value"][0]["err"] is None
                page.context.close()
        assert chain.balance(Pubkey.from_string(address)) == 500_000_000


def opened(browser: Browser, size: str, url: str) -> Page:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(url)
    # A page that loads again by itself would lose this; the panel has to do without.
    page.evaluate("window.stayed = true")
    return page


def stands(pages: dict[str, Page], status: str, done: list[str]) -> None:
    """Each page shows that status by itself, and these steps as done; a picture for people, and axe's opinion."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for size, page in pages.items():
        expect(page.locator(f"[data-solana-pay][data-status='{status}']")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator("[data-step].is-done")).to_have_text(done)
        # What was seen is not asked for again, or somebody would pay twice.
        expect(page.get_by_role("link", name="Open in wallet")).to_be_visible(visible=status == "waiting")
        assert page.evaluate("window.stayed"), f"loaded again on its way to {status}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"wider than the {size}"
        page.screenshot(path=SCREENSHOTS / f"solana-panel-{status}-{size}.png", full_page=True)
        page.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text())
        found = page.evaluate("tags => axe.run('[data-solana-pay]', {runOnly: tags})", WCAG)
        assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]] == []


@contextmanager
def watching(environment: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / "watcher.log").open("wb") as log:
        command = [sys.executable, "manage.py", "solana_watch"]
        watcher = subprocess.Popen(command, cwd=EXAMPLE, env=environment, stdout=log, stderr=log)
    try:
        yield
        assert watcher.poll() is None, (folder / "watcher.log").read_text()
    finally:
        watcher.terminate()
        watcher.wait(60)
