"""Somebody in front of a browser: goes places, looks at pages, and notices what is wrong with them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from django.conf import settings
from django.test import Client
from playwright.sync_api import ConsoleMessage, Locator, Page, Response, expect

from mutoscope.platform.accounts.models import Person

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "var" / "screenshots"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
# Tables that one has to push sideways to see all of: their names, and by how much.
TABLES_CUT_OFF = """() => Object.fromEntries([...document.querySelectorAll(".table-frame")]
  .map(frame => [frame.getAttribute("aria-label"), frame.scrollWidth - frame.clientWidth]).filter(([, over]) => over > 0))"""
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Not asked for by WCAG, but by whoever goes through a page by its headings or its regions.
BEYOND_WCAG = ["heading-order", "landmark-unique"]


@cache
def axe_source() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()


class Visitor:
    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.troubles: list[str] = []
        self.expected_statuses: set[int] = set()
        self._listen(page)

    def _listen(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.troubles.append(f"error in a script: {error}"))
        page.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        # Chromium reports each answer of 400 and above here; those are judged by their status, below.
        if "Failed to load resource" in message.text:
            return
        self.troubles.append(f"{message.type} in the console of {self.page.url}: {message.text}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected_statuses:
            self.troubles.append(f"{response.status} for {response.request.method} {response.url}")

    def becomes(self, person: Person) -> None:
        """Be signed in as this person from now on, without going through the pages."""
        client = Client()
        client.force_login(person)
        name = settings.SESSION_COOKIE_NAME
        self.page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.site}])

    # Going places

    def goto(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def another_tab(self) -> Visitor:
        other = Visitor(self.page.context.new_page(), self.site)
        other.troubles = self.troubles
        other.expected_statuses = self.expected_statuses
        return other

    def fill(self, **fields: str) -> None:
        """Fill fields by their labels, written with underscores: `Email or username` is `email_or_username`."""
        for label, value in fields.items():
            words = label.replace("_", " ")
            self.page.get_by_role("textbox", name=words).first.fill(value)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.opens(self.page.get_by_role("link", name=name, exact=True).first)

    def opens(self, link: Locator) -> None:
        """Follow this link, and be there: what comes next must not look at the page that is being left."""
        link.wait_for()
        # The page that holds the link may still be arriving; that is not the arrival to wait for.
        self.page.wait_for_load_state()
        with self.page.expect_navigation():
            link.click()

    def sees(self, words: str) -> None:
        expect(self.page.locator("body")).to_contain_text(words)

    def sees_heading(self, words: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(words)

    def proves_it(self, password: str) -> None:
        """Answer the question that comes before anything that matters for the account."""
        self.sees_heading("Is it you?")
        self.page.get_by_role("textbox", name="Password").fill(password)
        self.press("Continue")

    def signs_in(self, login: str, password: str) -> None:
        self.goto("/account/login/")
        self.page.get_by_label("Email or username").fill(login)
        self.page.get_by_role("textbox", name="Password").fill(password)
        self.press("Sign in")

    # Looking

    def look(self, name: str, *, is_ours: bool = True) -> None:
        """Keep a picture of this page at both sizes, and let axe look for what keeps people out."""
        page = self.page
        page.wait_for_load_state()
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            if is_ours:
                self.check_access(f"{name} on a {size}")
            page.screenshot(path=SCREENSHOTS / f"{name}-{size}.png", animations="disabled")
            if not is_ours:
                continue
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{name} scrolls sideways by {overflow} px on a {size}"
            if "/studio/" in page.url:
                cut = page.evaluate(TABLES_CUT_OFF)
                assert not cut, f"{name} on a {size} has tables wider than the screen, in px: {cut}"
        page.set_viewport_size({"width": 1280, "height": 800})

    def check_access(self, name: str) -> None:
        # Evaluated through the debugger, which the content security policy does not stop.
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(axe_source())
        found = self.page.evaluate(
            "([tags, rules]) => axe.run(document, {runOnly: {type: 'tag', values: tags}, rules, resultTypes: ['violations']})",
            [WCAG, {rule: {"enabled": True} for rule in BEYOND_WCAG}],
        )
        violations = [
            {
                "rule": each["id"],
                "help": each["help"],
                "where": [node["html"][:200] for node in each["nodes"][:3]],
                "why": each["nodes"][0]["failureSummary"],
            }
            for each in found["violations"]
        ]
        assert not violations, f"axe found on {name}: {json.dumps(violations, indent=2)}"
