"""Stories about how people come: with two tabs, by keyboard alone, without JavaScript, on a phone, zoomed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.visitor import Visitor
from tests.people import PASSWORD, make_channel, make_person

pytestmark = pytest.mark.browser


def test_a_form_open_in_one_tab_survives_a_sign_in_in_another(visitor: Visitor) -> None:
    make_person("nora", password=PASSWORD)
    visitor.signs_in("nora", PASSWORD)
    visitor.sees_heading("Opening soon")
    visitor.goto("/studio/channel/open/")
    visitor.fill(handle="northlight", title="Northlight")

    other = visitor.another_tab()
    other.goto("/account/logout/")
    other.press("Sign out")
    other.sees("You are signed out.")
    other.signs_in("nora", PASSWORD)
    other.sees_heading("Opening soon")

    visitor.press("Open the channel")
    visitor.sees("Your channel is open.")
    visitor.sees_heading("Northlight")


def test_signing_in_in_both_tabs_leads_each_where_it_wanted_to_go(visitor: Visitor) -> None:
    make_person("nora", password=PASSWORD)
    visitor.goto("/account/login/?next=/studio/channel/open/")
    other = visitor.another_tab()
    other.goto("/account/login/?next=/account/two-step/")
    for tab in (visitor, other):
        tab.page.get_by_label("Email or username").fill("nora")
        tab.page.get_by_role("textbox", name="Password").fill(PASSWORD)
    visitor.press("Sign in")
    visitor.sees_heading("Open a channel")
    other.press("Sign in")
    other.sees_heading("Two-step sign-in")


def test_without_scripts_a_stale_form_is_explained_and_its_input_kept(visit: Callable[..., Visitor]) -> None:
    make_person("nora", password=PASSWORD)
    visitor = visit(java_script_enabled=False)
    visitor.signs_in("nora", PASSWORD)
    visitor.sees_heading("Opening soon")
    visitor.goto("/studio/channel/open/")
    visitor.fill(handle="northlight", title="Northlight")
    other = visitor.another_tab()
    other.goto("/account/logout/")
    other.press("Sign out")
    other.signs_in("nora", PASSWORD)
    other.sees_heading("Opening soon")

    visitor.expected_statuses.add(403)
    visitor.press("Open the channel")
    visitor.sees_heading("This form was out of date")
    visitor.page.go_back()
    assert visitor.page.get_by_role("textbox", name="Title").input_value() == "Northlight"


def test_no_cookie_no_form_but_an_explanation(visitor: Visitor) -> None:
    visitor.goto("/account/signup/")
    visitor.fill(email="ada@example.org", username="ada", password=PASSWORD)
    visitor.page.context.clear_cookies()
    visitor.expected_statuses.add(403)
    visitor.press("Sign up")
    visitor.sees_heading("Your browser kept no cookie")
    visitor.look("csrf")
    assert PASSWORD not in visitor.page.content()
    visitor.press("Back to what I typed")
    expect(visitor.page.get_by_role("textbox", name="Username")).to_have_value("ada")


def test_keyboard_alone_through_sign_in(visitor: Visitor) -> None:
    make_person("nora", password=PASSWORD)
    page = visitor.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="mutoscope")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Sign in").first).to_be_focused()
    page.keyboard.press("Enter")
    visitor.sees_heading("Sign in")
    page.get_by_role("link", name="Skip to the content").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("nora")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    visitor.sees_heading("Opening soon")
    menu = page.locator("details.menu-wide summary")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details.menu-wide")).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator("details.menu-wide")).not_to_have_attribute("open", "")
    expect(menu).to_be_focused()


def test_sign_up_without_scripts(visit: Callable[..., Visitor]) -> None:
    visitor = visit(java_script_enabled=False)
    visitor.goto("/account/signup/")
    visitor.fill(email="ada@example.org", username="ada", password=PASSWORD)
    visitor.press("Sign up")
    visitor.sees_heading("Look into your mailbox")
    visitor.follow("Open the outbox")
    visitor.opens(visitor.page.get_by_role("link", name="Confirm your email address"))
    visitor.opens(visitor.page.locator(".mail-body a").first)
    visitor.press("Yes, confirm")
    visitor.sees("ada@example.org is confirmed.")
    visitor.page.locator("details.menu-wide summary").click()
    visitor.press("Sign out")
    visitor.sees("You are signed out.")


def test_menu_on_a_phone(visit: Callable[..., Visitor]) -> None:
    person = make_person("nora")
    make_channel(person)
    visitor = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = visitor.goto("/")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    page.get_by_text("Menu", exact=True).locator("..").tap()
    expect(page.get_by_role("navigation", name="Menu").get_by_role("link", name="Sign in")).to_be_visible()
    visitor.check_access("the open menu on a phone")
    page.screenshot(path="var/screenshots/menu-signed-out-phone.png")
    visitor.becomes(person)
    visitor.goto("/")
    page.locator("details.menu-phone summary").tap()
    visitor.check_access("the open menu of a creator on a phone")
    page.screenshot(path="var/screenshots/menu-creator-phone.png")
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Studio").tap()
    visitor.sees_heading("Studio")


def test_light_dark_and_the_choice_between_them(visit: Callable[..., Visitor]) -> None:
    make_channel(make_person("nora"))
    visitor = visit(color_scheme="light")
    page = visitor.goto("/")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    visitor.look("home-light")
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark
    page.get_by_role("button", name="As on this device").click()
    assert page.evaluate(background) == light
    for path, name in {"/account/signup/": "sign-up-light", "/gallery/": "gallery-light"}.items():
        visitor.goto(path)
        visitor.look(name)
    page.set_viewport_size({"width": 1920, "height": 1080})
    visitor.goto("/")
    page.screenshot(path="var/screenshots/home-light-wide.png")


@pytest.mark.parametrize("path", ["/", "/account/login/", "/account/signup/", "/@northlight", "/gallery/"])
def test_nothing_scrolls_sideways_at_twice_the_size(visit: Callable[..., Visitor], path: str) -> None:
    make_channel(make_person("nora"), description="A long word: " + "a" * 90)
    # What a browser does to a page of 1280 x 800 at 200 %.
    visitor = visit(viewport={"width": 640, "height": 400}, device_scale_factor=2)
    page = visitor.goto(path)
    wider = page.evaluate(
        "[...document.querySelectorAll('body *')].filter(each => each.getBoundingClientRect().right > innerWidth + 1)"
        ".map(each => each.outerHTML.slice(0, 120))"
    )
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, wider


def test_losing_the_connection_is_said_and_nothing_is_lost(visitor: Visitor) -> None:
    visitor.goto("/account/signup/")
    visitor.fill(username="ada")
    visitor.page.context.set_offline(True)
    visitor.sees("You are offline.")
    visitor.look("offline")
    visitor.page.context.set_offline(False)
    expect(visitor.page.get_by_text("You are offline.")).to_be_hidden()
    expect(visitor.page.get_by_role("textbox", name="Username")).to_have_value("ada")
