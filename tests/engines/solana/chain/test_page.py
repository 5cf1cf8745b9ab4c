"""A person in a real browser pays a link from the sandbox wallet, at a desk and on a phone, and looks at what happened."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright
from solders.keypair import Keypair

from mutoscope.engines.solana.chain import TEST_USDC, SandboxChain

ROOT = Path(__file__).resolve().parents[4]
SCREENSHOTS = ROOT / "var" / "screenshots"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PATIENCE_MS = 60_000

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_person_pays_a_link_and_sees_it_land(browser: Browser, size: str, scheme: Any) -> None:
    to, reference = Keypair().pubkey(), Keypair().pubkey()
    link = f"solana:{to}?amount=2.5&spl-token={TEST_USDC.mint}&reference={reference}&label=Lumi%C3%A8re&memo=order%2017"
    width, height = SIZES[size]
    with SandboxChain() as chain:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
        page.goto(f"{chain.url}/?link={quote(link, safe='')}")
        expect(page.get_by_text("play money").first).to_be_visible()
        expect(page.locator("#sum")).to_have_text("2.5 USDC", timeout=PATIENCE_MS)
        expect(page.locator("#terms")).to_contain_text("Lumière")
        look(page, f"chain-quote-{size}-{scheme}")
        page.get_by_role("button", name="Pay with play money").click()
        expect(page.locator("#paid")).to_contain_text("Paid.", timeout=PATIENCE_MS)
        assert chain.token_balance(to) == 2_500_000
        chain.finalize()
        expect(page.locator("#transactions li").first).to_contain_text("finalized", timeout=PATIENCE_MS)
        look(page, f"chain-paid-{size}-{scheme}")
        page.locator("#paid a").click()
        expect(page.locator("#detail-body")).to_contain_text("transferChecked", timeout=PATIENCE_MS)
        look(page, f"chain-transaction-{size}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        context.close()
    assert troubles == []


def test_a_bad_link_is_refused_where_it_was_typed_and_an_open_amount_is_asked_for(browser: Browser) -> None:
    to = Keypair().pubkey()
    with SandboxChain() as chain:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(chain.url)
        page.get_by_label("Payment link").fill(f"solana:{to}?amount=1e3")
        expect(page.locator("#link-error")).to_contain_text("amount must be a plain decimal", timeout=PATIENCE_MS)
        expect(page.locator("#pay")).to_be_disabled()
        page.get_by_label("Payment link").fill(f"solana:{to}")
        page.get_by_label("Amount").fill("0.25")
        expect(page.locator("#sum")).to_have_text("0.25 SOL", timeout=PATIENCE_MS)
        page.locator("#pay").click()
        expect(page.locator("#paid")).to_contain_text("Paid.", timeout=PATIENCE_MS)
        assert chain.balance(to) == 250_000_000
        page.close()


def test_what_a_link_says_is_text_and_never_markup(browser: Browser) -> None:
    evil = quote("<img src=x onerror=alert(1)><script>alert(2)</script>", safe="")
    with SandboxChain() as chain:
        page = browser.new_page()
        dialogs: list[str] = []

        def on_dialog(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", on_dialog)
        page.goto(
            f"{chain.url}/?link={quote(f'solana:{Keypair().pubkey()}?amount=1&label={evil}&memo={evil}', safe='')}"
        )
        expect(page.locator("#terms")).to_contain_text("<script>", timeout=PATIENCE_MS)
        page.locator("#pay").click()
        expect(page.locator("#transactions")).to_contain_text("<script>", timeout=PATIENCE_MS)
        assert dialogs == []
        page.close()


def look(page: Page, name: str) -> None:
    """A screenshot for people, and axe's opinion."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    # The page's own policy keeps foreign scripts out; axe comes in through the debugger.
    page.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", WCAG)
    problems = [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found["violations"]]
    assert problems == [], name
