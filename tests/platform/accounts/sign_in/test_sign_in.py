"""Signing up and in: verification, rotation, limits, and what a stranger may learn."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client

from mutoscope.platform.accounts.models import Person
from mutoscope.platform.accounts.sign_in.adapters import AccountAdapter
from mutoscope.platform.support.models import Mail
from tests.people import PASSWORD, make_person

pytestmark = pytest.mark.django_db

SIGN_UP = {"email": "ada@example.org", "username": "Ada", "password1": PASSWORD}


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


def test_sign_up_makes_a_person_who_has_to_confirm_the_address(client: Client) -> None:
    answer = client.post("/account/signup/", SIGN_UP)
    assert answer["Location"] == "/account/confirm-email/"
    person = Person.objects.get()
    assert (person.username, person.email) == ("ada", "ada@example.org")
    assert person.password.startswith("argon2$argon2id$")
    assert not EmailAddress.objects.get().verified
    answer = Client().post("/account/login/", {"login": "ada", "password": PASSWORD})
    assert answer["Location"] == "/account/confirm-email/"


@pytest.mark.django_db(transaction=True)
def test_person_and_mail_appear_together_or_not_at_all(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = "mutoscope.platform.support.mail.backend.OutboxBackend"
    client.raise_request_exception = False
    with monkeypatch.context() as patched:
        # The process dies between the person's row and the end of the request.
        patched.setattr("allauth.account.internal.flows.signup.complete_signup", lambda *_, **__: 1 / 0)
        assert client.post("/account/signup/", SIGN_UP).status_code == 500
    assert not Person.objects.exists()
    assert not Mail.objects.exists()
    client.post("/account/signup/", SIGN_UP)
    assert Person.objects.count() == Mail.objects.count() == 1


@pytest.mark.parametrize("username", ["n0ra", "N-O-R-A", "nora"])
def test_a_username_that_looks_like_anothers_is_refused(client: Client, username: str) -> None:
    make_person("nora")
    answer = client.post("/account/signup/", {**SIGN_UP, "username": username})
    assert set(answer.context["form"].errors) == {"username"}
    assert 'value="ada@example.org"' in answer.content.decode()


def test_losing_a_race_for_a_username_is_a_refusal_and_no_error(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person("nora")
    monkeypatch.setattr(AccountAdapter, "clean_username", lambda self, username, shallow=False: username)
    answer = client.post("/account/signup/", {**SIGN_UP, "username": "n0ra"})
    assert set(answer.context["form"].errors) == {"username"}


def test_a_used_link_offers_to_sign_in_only_to_somebody_who_is_not(client: Client) -> None:
    assert "Sign in</a>" in client.get("/account/confirm-email/used/").content.decode().split("<main", 1)[1]
    client.force_login(make_person("nora"))
    page = client.get("/account/confirm-email/used/").content.decode().split("<main", 1)[1]
    assert "This link does not work any more" in page
    assert "Sign in</a>" not in page
    assert "there is nothing left to do" in page


def test_signing_up_with_a_known_address_looks_like_signing_up_with_a_new_one(client: Client) -> None:
    make_person("nora")
    answer = client.post("/account/signup/", {**SIGN_UP, "email": "nora@example.org"})
    assert answer["Location"] == "/account/confirm-email/"
    assert Person.objects.count() == 1
    assert mail.outbox[0].subject == "You have an account already"


def test_signing_up_with_a_known_address_costs_the_same_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time of the answer would tell who has an account."""
    make_person("nora")
    hashed: list[str] = []
    encode = Argon2PasswordHasher.encode

    def counted(self: Argon2PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted)
    Client().post("/account/signup/", {**SIGN_UP, "email": "nora@example.org"})
    assert len(hashed) == 1
    Client().post("/account/signup/", SIGN_UP)
    assert len(hashed) == 2


@pytest.mark.parametrize("email", ["a" * 300 + "@x.org", "a" * 65 + "@x.org", "a@" + "b" * 250 + ".org"])
def test_an_address_longer_than_an_address_can_be_is_refused_and_not_cut(client: Client, email: str) -> None:
    answer = client.post("/account/signup/", {**SIGN_UP, "email": email})
    assert "email" in answer.context["form"].errors
    assert not Person.objects.exists()
    assert not Mail.objects.exists()


def test_password_reset_says_the_same_for_known_and_unknown_addresses(client: Client) -> None:
    make_person("nora", password=PASSWORD)
    known = client.post("/account/password/reset/", {"email": "nora@example.org"})
    unknown = client.post("/account/password/reset/", {"email": "nobody@example.org"})
    assert known["Location"] == unknown["Location"]
    assert [message.to for message in mail.outbox] == [["nora@example.org"]]


@pytest.mark.parametrize("login", ["nora", "NORA", "nora@example.org", "Nora@Example.org"])
def test_sign_in_by_username_or_email_rotates_the_session(client: Client, login: str) -> None:
    make_person("nora", password=PASSWORD)
    client.get("/account/login/")
    session = client.session
    session["before"] = "1"
    session.save()
    client.cookies["session"] = before = session.session_key
    csrf_before = client.get("/account/login/").cookies["csrf"].value
    answer = client.post("/account/login/", {"login": login, "password": PASSWORD})
    assert answer["Location"] == "/"
    assert client.cookies["session"].value != before
    assert client.cookies["csrf"].value != csrf_before
    assert not client.session.exists(str(before))


def test_wrong_passwords_are_limited_for_an_account_and_right_ones_wait_as_well() -> None:
    make_person("nora", password=PASSWORD)
    for _ in range(5):
        answer = Client().post("/account/login/", {"login": "nora", "password": "wrong"})
        assert "do not belong together" in answer.content.decode()
    answer = Client().post("/account/login/", {"login": "nora", "password": PASSWORD})
    assert "Too many attempts" in answer.content.decode()


def test_sign_ins_are_limited_for_an_address_with_a_page_that_says_so() -> None:
    statuses = [Client().post("/account/login/", {"login": "", "password": ""}).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]


def test_the_limit_is_kept_where_every_process_sees_it(settings: Any) -> None:
    assert settings.CACHES["default"]["BACKEND"] == "django.core.cache.backends.db.DatabaseCache"
    make_person("nora", password=PASSWORD)
    Client().post("/account/login/", {"login": "nora", "password": "wrong"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM web_cache WHERE cache_key LIKE '%login_failed%'")
        assert cursor.fetchone()[0] >= 1


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/studio/", "/studio/"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        # A browser drops a bare tab and then sees //evil.example.
        ("/\t/evil.example", "/"),
        ("/ok/../\\evil.example", "/ok/../%5Cevil.example"),
        ("javascript:alert(1)", "/"),
        ("\\\\evil.example", "/"),
    ],
)
def test_whoever_is_signed_in_already_is_sent_on_but_never_elsewhere(
    client: Client, wanted: str, location: str
) -> None:
    client.force_login(make_person())
    for answer in (client.get("/account/login/", {"next": wanted}), client.post("/account/login/", {"next": wanted})):
        assert (answer.status_code, answer["Location"]) == (302, location)


def test_a_stale_sign_in_form_of_a_signed_in_person_is_sent_on_too() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_person())
    answer = client.post("/account/login/", {"login": "nora", "password": "x", "next": "/studio/"})
    assert (answer.status_code, answer["Location"]) == (302, "/studio/")
    answer = client.post("/account/login/", {"next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_mail_says_nothing_in_html_entities(client: Client) -> None:
    client.post("/account/signup/", SIGN_UP)
    body = mail.outbox[0].body
    assert "&" not in str(body)
    assert "/account/confirm-email/" in str(body)
