"""Stories about a second step at sign-in: an authenticator app, recovery codes, passkeys."""

from __future__ import annotations

import base64
import hmac
import struct
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.visitor import Visitor
from tests.people import PASSWORD, make_person

pytestmark = pytest.mark.browser


def code_for(secret: str, ahead_s: int = 0) -> str:
    """What an authenticator app shows: RFC 6238 with its usual six digits and half minutes."""
    key = base64.b32decode(secret)
    digest = hmac.digest(key, struct.pack(">Q", int(time.time() + ahead_s) // 30), "sha1")
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def test_authenticator_app_is_set_up_and_then_asked_for(visitor: Visitor) -> None:
    make_person("nora", password=PASSWORD)
    visitor.signs_in("nora", PASSWORD)
    visitor.sees_heading("Opening soon")
    visitor.goto("/account/two-step/")
    visitor.look("two-step")
    visitor.follow("Set up the app")
    visitor.proves_it(PASSWORD)
    visitor.look("totp-setup")
    secret = visitor.page.locator("#authenticator_secret").inner_text().strip()
    visitor.page.get_by_label("Code from the app").fill("000000")
    visitor.press("Switch on")
    visitor.sees("That code is not right, or no longer.")
    assert visitor.page.locator("#authenticator_secret").inner_text().strip() == secret
    visitor.page.get_by_label("Code from the app").fill(code_for(secret))
    visitor.press("Switch on")
    visitor.sees_heading("Recovery codes")
    visitor.look("recovery-codes")
    recovery_code = visitor.page.locator(".codes li").first.inner_text()
    visitor.follow("Done")
    visitor.look("two-step-on")
    visitor.page.context.clear_cookies()

    visitor.signs_in("nora", PASSWORD)
    visitor.sees_heading("The second step")
    visitor.look("second-step")
    # The code of this half minute has been used; the app's next one is accepted, since clocks differ.
    visitor.page.get_by_label("Code", exact=True).fill(code_for(secret, ahead_s=30))
    visitor.press("Sign in")
    visitor.sees_heading("Opening soon")
    visitor.page.context.clear_cookies()

    visitor.signs_in("nora", PASSWORD)
    visitor.page.get_by_label("Code", exact=True).fill(recovery_code)
    visitor.press("Sign in")
    visitor.sees_heading("Opening soon")


def test_passkey_is_added_and_signs_in_by_itself(visitor: Visitor) -> None:
    person = make_person("nora", password=PASSWORD)
    devtools = visitor.page.context.new_cdp_session(visitor.page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    visitor.becomes(person)
    visitor.goto("/account/two-step/webauthn/add/")
    visitor.sees_heading("Is it you?")
    visitor.look("reauthenticate")
    visitor.proves_it(PASSWORD)
    visitor.sees_heading("Add a passkey")
    visitor.look("passkey-add")
    visitor.page.get_by_label("Name").fill("My laptop")
    visitor.press("Create the passkey")
    visitor.sees_heading("Recovery codes")
    visitor.goto("/account/two-step/webauthn/")
    visitor.sees("My laptop")
    visitor.look("passkeys")
    visitor.page.context.clear_cookies()

    visitor.goto("/account/login/")
    visitor.press("Sign in with a passkey")
    visitor.sees_heading("Opening soon")
    expect(visitor.page.locator("details.menu-wide")).to_be_visible()

    visitor.goto("/account/two-step/webauthn/")
    visitor.opens(visitor.page.get_by_role("link", name="Rename My laptop"))
    visitor.sees_heading("Is it you?")
    visitor.follow("Use a passkey")
    visitor.look("reauthenticate-passkey")
    visitor.press("Use a passkey")
    visitor.sees_heading("Rename a passkey")
    visitor.look("passkey-rename")
    visitor.page.get_by_label("Name").fill("The laptop")
    visitor.press("Save")
    visitor.sees_heading("Passkeys")
    visitor.opens(visitor.page.get_by_role("link", name="Remove The laptop"))
    visitor.sees_heading("Remove “The laptop”?")
    visitor.look("passkey-remove")
    visitor.press("Remove")
    visitor.sees("The passkey is removed.")
