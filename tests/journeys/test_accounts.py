"""Stories about signing up, signing in, and opening a channel."""

from __future__ import annotations

import pytest

from tests.journeys.visitor import Visitor
from tests.people import PASSWORD, make_channel, make_person, picture

pytestmark = pytest.mark.browser


def test_sign_up_confirm_open_a_channel_sign_out(visitor: Visitor) -> None:
    visitor.goto("/")
    visitor.sees_heading("Opening soon")
    visitor.look("home-empty")
    visitor.follow("Sign up")
    visitor.look("sign-up")
    visitor.fill(email="ada@example.org", username="Ada", password=PASSWORD)
    visitor.press("Sign up")
    visitor.sees_heading("Look into your mailbox")
    visitor.look("verification-sent")
    visitor.follow("Open the outbox")
    visitor.look("outbox")
    visitor.opens(visitor.page.get_by_role("link", name="Confirm your email address"))
    visitor.look("outbox-message")
    visitor.opens(visitor.page.locator(".mail-body a").first)
    visitor.look("email-confirm")
    visitor.press("Yes, confirm")
    visitor.sees("ada@example.org is confirmed.")
    visitor.page.locator("details.menu-wide summary").click()
    visitor.look("account-menu")
    visitor.page.locator("details.menu-wide").evaluate("menu => menu.open = true")
    visitor.opens(visitor.page.get_by_role("link", name="Open a channel").first)
    visitor.look("channel-open")
    visitor.fill(
        handle="Adas-Films", title="Ada's films", about="Short documentaries about machines.\n\nNew every month."
    )
    visitor.press("Open the channel")
    visitor.sees("Your channel is open.")
    visitor.sees_heading("Ada's films")
    visitor.look("channel")
    visitor.goto("/")
    visitor.look("home-channels")
    visitor.page.locator("details.menu-wide summary").click()
    visitor.press("Sign out")
    visitor.sees("You are signed out.")


def test_the_back_button_after_opening_a_channel_does_not_run_in_circles(visitor: Visitor) -> None:
    make_person("nora", password=PASSWORD)
    visitor.signs_in("nora", PASSWORD)
    visitor.goto("/studio/")
    visitor.fill(handle="lantern", title="Lantern")
    visitor.press("Open the channel")
    visitor.sees("Your channel is open.")
    visitor.page.go_back()
    visitor.page.wait_for_url("**/studio/")
    visitor.sees_heading("Studio")


def test_forgotten_password_is_reset_by_mail(visitor: Visitor) -> None:
    make_person("nora", password=PASSWORD)
    visitor.goto("/account/login/")
    visitor.look("sign-in")
    visitor.follow("Forgot your password?")
    visitor.look("password-reset")
    visitor.fill(email="nora@example.org")
    visitor.press("Send the link")
    visitor.sees_heading("Look into your mailbox")
    visitor.look("password-reset-sent")
    visitor.follow("Open the outbox")
    visitor.opens(visitor.page.get_by_role("link", name="Choose a new password"))
    link = visitor.page.locator(".mail-body a").first.get_attribute("href") or ""
    visitor.goto(link)
    visitor.sees_heading("Choose a new password")
    visitor.look("password-new")
    visitor.page.get_by_role("textbox", name="New password", exact=True).fill("nine boats under the bridge")
    visitor.page.get_by_role("textbox", name="New password, again").fill("nine boats under the bridge")
    visitor.press("Change the password")
    visitor.sees_heading("Password changed")
    visitor.signs_in("nora", "nine boats under the bridge")
    visitor.sees_heading("Opening soon")
    visitor.page.context.clear_cookies()
    visitor.goto(link)
    visitor.sees_heading("This link does not work any more")
    visitor.look("password-link-used")


def test_open_a_channel_whose_handle_looks_like_anothers(visitor: Visitor) -> None:
    make_channel(make_person("nora"), "northlight")
    visitor.becomes(make_person("ada"))
    visitor.goto("/studio/channel/open/")
    visitor.expected_statuses.add(422)
    visitor.fill(handle="n0rth1ight", title="North light", about="What I typed stays.")
    visitor.press("Open the channel")
    visitor.sees("This looks too much like @northlight, which is taken.")
    assert visitor.page.get_by_label("About").input_value() == "What I typed stays."
    visitor.look("channel-handle-refused")


def test_a_channel_with_a_picture_and_a_title_of_120_characters(visitor: Visitor) -> None:
    visitor.becomes(make_person("ada"))
    visitor.goto("/studio/channel/open/")
    title = ("Machines that move pictures, and the people who moved them; " * 3)[:120].strip()
    visitor.fill(handle="machines", title=title)
    visitor.page.get_by_label("Picture").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": picture(900, 600)}
    )
    visitor.press("Open the channel")
    visitor.sees_heading(title)
    visitor.look("channel-long-title")
    visitor.follow("Studio")
    visitor.look("studio")
    visitor.follow("Channel")
    visitor.look("channel-edit")
    visitor.page.get_by_label("Title").fill("Machines")
    visitor.press("Save")
    visitor.sees("Saved.")
    visitor.goto("/")
    visitor.sees("Machines")


def test_settings_pages(visitor: Visitor) -> None:
    make_person("nora", password=PASSWORD)
    visitor.signs_in("nora", PASSWORD)
    visitor.sees_heading("Opening soon")
    visitor.goto("/account/email/")
    visitor.page.get_by_label("Another address").fill("nora.second@example.org")
    visitor.press("Add")
    # Once more, and then the address is added without having to be typed again.
    visitor.look("settings-email-password")
    visitor.fill(password=PASSWORD)
    visitor.press("Continue")
    visitor.sees("We sent a link to nora.second@example.org.")
    visitor.look("settings-email")
    visitor.follow("Password")
    visitor.look("settings-password")
    visitor.follow("Signed in on")
    visitor.look("settings-sessions")
    visitor.goto("/account/logout/")
    visitor.look("sign-out")
