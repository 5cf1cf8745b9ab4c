"""Pages that one looks at: every component, every error, and the operator's."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.visitor import Visitor
from tests.people import make_channel, make_person

pytestmark = pytest.mark.browser


def test_gallery_of_components(visitor: Visitor) -> None:
    page = visitor.goto("/gallery/")
    visitor.look("gallery")
    page.screenshot(path="var/screenshots/gallery-whole.png", full_page=True)
    visitor.press("Load a part of the page")
    visitor.sees("Packaging, 90 %, a few seconds")
    visitor.press("Open a dialog")
    expect(page.get_by_role("dialog", name="Withdraw this film?")).to_be_visible()
    visitor.look("dialog")
    visitor.press("Keep it")
    expect(page.get_by_role("dialog")).to_be_hidden()
    visitor.press("Show a toast")
    visitor.sees("Saved. This is what a toast looks like.")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".toast")).to_have_count(0)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 429, 500, 503])
def test_error_pages(visitor: Visitor, settings: Any, status: int) -> None:
    settings.ROOT_URLCONF = "tests.journeys.broken_urls"
    visitor.expected_statuses.add(status)
    visitor.goto("/broken/" if status == 500 else "/nowhere/" if status == 404 else f"/status/{status}/")
    expect(visitor.page.locator(".error-status")).to_contain_text(str(status))
    visitor.look(f"error-{status}")


def test_operator_pages_work_under_the_content_security_policy(visitor: Visitor) -> None:
    make_channel(make_person("nora"))
    visitor.becomes(make_person("opal", is_staff=True, is_superuser=True))
    page = visitor.goto("/operator/")
    visitor.sees("SANDBOX: no real money moves here")
    # Django's own pages: looked at, and its scripts have to run; their contrast and structure are Django's.
    visitor.look("operator", is_ours=False)
    visitor.goto("/operator/accounts/person/")
    visitor.sees("nora")
    visitor.look("operator-people", is_ours=False)
    page.locator("#action-toggle").check()
    visitor.sees("2 of 2 selected")
    visitor.goto("/operator/support/mail/")
    visitor.sees("0 mail")


def test_home_of_an_empty_site_invites_staff(visitor: Visitor) -> None:
    visitor.becomes(make_person("opal", is_staff=True, is_superuser=True))
    visitor.goto("/")
    visitor.sees_heading("Your cinema is ready")
    visitor.look("home-staff")
