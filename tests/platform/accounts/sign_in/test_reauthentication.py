"""A session alone is not the account: what leads into it asks for the password once more, and its owner hears of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client

from mutoscope.platform.accounts.models import Person
from tests.people import PASSWORD, make_channel, make_person

pytestmark = pytest.mark.django_db

THIEF = "thief@evil.example"
NEW_PASSWORD = "nine boats under the bridge"


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def nora() -> Person:
    person = make_person("nora", password=PASSWORD)
    make_channel(person)
    return person


@pytest.fixture
def session(nora: Person) -> Client:
    """Her session, an hour after she signed in, and not in her hands."""
    client = Client()
    client.post("/account/login/", {"login": "nora", "password": PASSWORD})
    stored = client.session
    for record in stored["account_authentication_methods"]:
        record["at"] -= 3600
    stored.save()
    mail.outbox.clear()
    return client


def confirmed(person: Person, address: str, *, primary: bool = False) -> EmailAddress:
    return EmailAddress.objects.create(user=person, email=address, verified=True, primary=primary)


def mail_to(address: str) -> list[Any]:
    return [message for message in mail.outbox if message.to == [address]]


def path_in(message: Any, part: str) -> str:
    link = re.search(rf"https?://[^/\s]+(/\S*{part}\S*)", str(message.body))
    assert link is not None, message.body
    return link[1]


def test_a_session_alone_does_not_lead_to_the_account(session: Client, nora: Person) -> None:
    """The whole way that would: an address, its confirmation, a new password, and where the earnings go."""
    added = session.post("/account/email/", {"action_add": "", "email": THIEF})
    assert added["Location"].startswith("/account/reauthenticate/")
    assert not EmailAddress.objects.filter(email=THIEF).exists()
    assert mail.outbox == []
    assert session.post("/studio/earnings/address/name/", {"address": "x"})["Location"].startswith(
        "/account/reauthenticate/"
    )
    thief = Client()
    thief.post("/account/password/reset/", {"email": THIEF})
    assert mail_to(THIEF) == []
    nora.refresh_from_db()
    assert nora.check_password(PASSWORD)


@pytest.mark.parametrize("action", ["action_primary", "action_remove"])
def test_addresses_are_not_changed_by_a_session_alone(session: Client, nora: Person, action: str) -> None:
    confirmed(nora, "second@example.org")
    answer = session.post("/account/email/", {action: "", "email": "second@example.org"})
    assert answer["Location"].startswith("/account/reauthenticate/")
    primary = {address.email: address.primary for address in EmailAddress.objects.filter(user=nora)}
    assert primary == {"nora@example.org": True, "second@example.org": False}


@pytest.mark.parametrize(
    "path",
    ["totp/activate/", "totp/deactivate/", "recovery-codes/generate/", "webauthn/add/", "webauthn/keys/1/remove/"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_second_steps_are_not_changed_by_a_session_alone(session: Client, nora: Person, path: str, method: str) -> None:
    if "activate" not in path or "deactivate" in path:
        Authenticator.objects.create(user=nora, type=Authenticator.Type.TOTP, data={"secret": "A" * 32})
    answer = getattr(session, method)(f"/account/two-step/{path}")
    assert answer["Location"].startswith("/account/reauthenticate/")


def test_recovery_codes_are_not_shown_to_a_session_alone(session: Client, nora: Person) -> None:
    kept = {"migrated_codes": ["00000001"], "used_mask": 0}
    Authenticator.objects.create(user=nora, type=Authenticator.Type.RECOVERY_CODES, data=kept)
    for path in ("/account/two-step/recovery-codes/", "/account/two-step/recovery-codes/download/"):
        assert session.get(path)["Location"].startswith("/account/reauthenticate/")


def test_a_first_password_asks_for_the_second_step_and_is_kept_nowhere(client: Client) -> None:
    nora = make_person("nora")
    Authenticator.objects.create(user=nora, type=Authenticator.Type.TOTP, data={"secret": "A" * 32})
    client.force_login(nora)
    assert client.get("/account/password/set/")["Location"].startswith("/account/two-step/reauthenticate/")
    answer = client.post("/account/password/set/", {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert answer["Location"] == "/account/password/set/"
    assert NEW_PASSWORD not in str(dict(client.session.items()))
    nora.refresh_from_db()
    assert not nora.has_usable_password()


def test_whoever_gives_the_password_adds_an_address_and_the_main_one_hears_of_it(session: Client, nora: Person) -> None:
    added = session.post("/account/email/", {"action_add": "", "email": "second@example.org"})
    asked = session.post(added["Location"], {"password": PASSWORD, "next": "/account/email/"})
    assert asked["Location"] == "/account/email/"
    assert EmailAddress.objects.filter(user=nora, email="second@example.org", verified=False).exists()
    (told,) = mail_to("nora@example.org")
    assert told.subject == "An email address is being added"
    assert "second@example.org" in told.body
    session.post(path_in(mail_to("second@example.org")[0], "confirm-email"))
    session.post("/account/email/", {"action_primary": "", "email": "second@example.org"})
    # The one that was the main address until now.
    assert mail_to("nora@example.org")[-1].subject == "Your email address was changed"


def test_adding_anothers_address_tells_the_main_one_the_same(session: Client, nora: Person) -> None:
    make_person("ada")
    session.post("/account/reauthenticate/", {"password": PASSWORD})
    session.post("/account/email/", {"action_add": "", "email": "ada@example.org"})
    (told,) = mail_to("nora@example.org")
    assert told.subject == "An email address is being added"


@pytest.mark.parametrize("typed", ["nora@example.org", "second@example.org", "Second@Example.org"])
def test_a_password_reset_goes_to_the_main_address_whichever_was_typed(nora: Person, typed: str) -> None:
    confirmed(nora, "second@example.org")
    Client().post("/account/password/reset/", {"email": typed})
    assert [message.to for message in mail.outbox] == [["nora@example.org"]]


def test_a_password_reset_is_told_to_the_main_address(client: Client, nora: Person) -> None:
    client.post("/account/password/reset/", {"email": "nora@example.org"})
    form = client.get(path_in(mail.outbox[0], "reset/key"))
    client.post(form["Location"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    nora.refresh_from_db()
    assert nora.check_password(NEW_PASSWORD)
    assert [message.subject for message in mail_to("nora@example.org")][-1] == "Your password was reset"


def test_whoever_has_confirmed_no_address_gets_the_link_where_they_typed_it(nora: Person) -> None:
    EmailAddress.objects.filter(user=nora).update(verified=False)
    Client().post("/account/password/reset/", {"email": "nora@example.org"})
    assert [message.to for message in mail.outbox] == [["nora@example.org"]]
