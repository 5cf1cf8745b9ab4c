"""Closing an account, coming back to it and taking everything along, through the pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.core.cache import cache
from django.test import Client

from mutoscope.platform.accounts.closing.models import Closing
from mutoscope.platform.accounts.closing.tasks import erase_all
from mutoscope.platform.accounts.models import Person
from mutoscope.platform.accounts.public import holders
from tests.people import PASSWORD, make_channel, make_person
from tests.platform.accounts.closing.leavers import Bank, close, let_two_weeks_pass, signed_in, sure

pytestmark = pytest.mark.django_db

PAGE = "/account/close/"
SIGN_IN = {"login": "nora", "password": PASSWORD}


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def nora() -> Person:
    return make_person("nora", password=PASSWORD)


def test_the_page_is_the_last_of_the_settings_and_says_what_goes(nora: Person) -> None:
    make_channel(nora, "northlight")
    client = signed_in("nora")
    assert f'href="{PAGE}"' in client.get("/account/email/").content.decode()
    page = client.get(PAGE).content.decode()
    for words in ("14 days", "@northlight", "are erased", "/account/data.json", "/wallet/statement.csv"):
        assert words in page


def test_it_asks_for_the_password_once_more_and_then_does_what_was_asked(nora: Person) -> None:
    client = signed_in("nora")
    asked = client.post(PAGE, {"username": "nora"})
    assert asked["Location"].startswith("/account/reauthenticate/")
    assert not Closing.objects.exists()
    done = client.post(asked["Location"], {"password": PASSWORD, "next": PAGE})
    assert (done.status_code, done["Location"]) == (302, "/")
    assert Closing.objects.get().person == nora
    home = client.get("/").content.decode()
    assert "Your account is closed." in home
    assert "Sign in" in home


def test_the_username_has_to_be_typed(nora: Person) -> None:
    client = sure("nora")
    for typed in ("", "ada", "nora2"):
        answer = client.post(PAGE, {"username": typed})
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == {"username"}
    assert not Closing.objects.exists()
    assert client.post(PAGE, {"username": " Nora "})["Location"] == "/"


def test_what_prevents_it_stands_on_the_page_with_a_link_and_without_a_form(nora: Person) -> None:
    client = sure("nora")
    with holders.bound([Bank(is_open=False)]):
        page = client.get(PAGE).content.decode()
        assert "The bank is closed. Wait for it." in page
        assert 'href="/wallet/"' in page
        assert "Close the account" not in page
        # It came up after the page was made.
        assert client.post(PAGE, {"username": "nora"}).status_code == 409
    assert not Closing.objects.exists()


def test_whoever_signs_in_is_asked_first_and_then_keeps_it(nora: Person) -> None:
    close(nora)
    client = Client()
    assert client.post("/account/login/", SIGN_IN)["Location"] == "/account/keep/"
    assert client.get("/wallet/").status_code == 302
    assert "Keep your account?" in client.get("/account/keep/").content.decode()
    assert client.post("/account/keep/", {"answer": "keep"}).status_code == 302
    assert client.get("/wallet/").status_code == 200
    assert not Closing.objects.exists()


def test_whoever_leaves_it_closed_is_not_signed_in(nora: Person) -> None:
    close(nora)
    client = Client()
    client.post("/account/login/", SIGN_IN)
    assert client.post("/account/keep/", {"answer": "leave"})["Location"] == "/account/login/"
    assert client.get("/wallet/").status_code == 302
    assert client.post("/account/keep/", {"answer": "keep"})["Location"] == "/account/login/"
    assert Closing.objects.exists()


def test_the_second_step_comes_before_the_question(nora: Person) -> None:
    secret = generate_totp_secret()
    TOTP.activate(nora, secret)
    close(nora)
    client = Client()
    assert client.post("/account/login/", SIGN_IN)["Location"] == "/account/two-step/authenticate/"
    assert client.get("/account/keep/")["Location"] == "/account/login/"
    assert client.post("/account/keep/", {"answer": "keep"}).status_code == 302
    assert Closing.objects.exists()
    code = f"{hotp_value(secret, next(yield_hotp_counters_from_time())):06d}"
    assert client.post("/account/two-step/authenticate/", {"code": code})["Location"] == "/account/keep/"
    client.post("/account/keep/", {"answer": "keep"})
    assert client.get("/wallet/").status_code == 200
    assert Authenticator.objects.filter(user=nora).exists()


def test_a_wrong_password_does_not_say_that_an_account_is_being_closed(nora: Person) -> None:
    close(nora)
    answer = Client().post("/account/login/", {**SIGN_IN, "password": "another one altogether"})
    assert "do not belong together" in answer.content.decode()


def test_a_suspended_account_that_is_being_closed_is_suspended(nora: Person) -> None:
    Person.objects.filter(pk=nora.pk).update(is_active=False)
    close(nora)
    assert Client().post("/account/login/", SIGN_IN)["Location"] == "/account/inactive/"


def test_an_answer_that_comes_too_late_signs_nobody_in(nora: Person) -> None:
    close(nora)
    client = Client()
    client.post("/account/login/", SIGN_IN)
    let_two_weeks_pass(nora)
    erase_all()
    assert client.post("/account/keep/", {"answer": "keep"})["Location"] == "/account/login/"
    assert client.get("/wallet/").status_code == 302
    assert "do not belong together" in client.post("/account/login/", SIGN_IN).content.decode()


def test_a_forgotten_password_can_be_reset_to_come_back(nora: Person) -> None:
    close(nora)
    mail.outbox.clear()
    client = Client()
    client.post("/account/password/reset/", {"email": "nora@example.org"})
    [sent] = mail.outbox
    link = next(line for line in sent.body.split() if "/account/password/reset/key/" in line)
    form = client.get(link, follow=True).request["PATH_INFO"]
    new = "nine boats under the bridge"
    assert client.post(form, {"password1": new, "password2": new}).status_code == 302
    assert Client().post("/account/login/", {**SIGN_IN, "password": new})["Location"] == "/account/keep/"


def test_signing_up_again_is_answered_by_mail_during_the_two_weeks_and_works_after_them(nora: Person) -> None:
    closing = close(nora)
    mail.outbox.clear()
    again = {"email": "Nora@example.org", "username": "nora-again", "password1": PASSWORD}
    assert Client().post("/account/signup/", again)["Location"] == "/account/confirm-email/"
    [sent] = mail.outbox
    assert f"{closing.erase_at:%-d %B %Y}" in sent.body
    assert "/account/login/" in sent.body
    assert Person.objects.count() == 1
    let_two_weeks_pass(nora)
    erase_all()
    mail.outbox.clear()
    # Two weeks later no limit remembers the first try.
    cache.clear()
    Client().post("/account/signup/", {**again, "username": "nora"})
    assert Person.objects.get(username="nora").email == "nora@example.org"
    assert "confirm" in mail.outbox[0].body


def test_the_channels_page_is_gone_while_it_is_being_closed_and_after(client: Client, nora: Person) -> None:
    make_channel(nora, "northlight")
    close(nora)
    answer = client.get("/@northlight")
    assert answer.status_code == 410
    assert "Northlight" not in answer.content.decode()
    let_two_weeks_pass(nora)
    erase_all()
    assert client.get("/@northlight").status_code == 404
    assert client.get(f"/@closed-channel-{nora.channel.pk}").status_code == 410


def test_everything_about_somebody_is_a_file_for_them_alone(nora: Person) -> None:
    make_channel(nora, "northlight")
    make_channel(make_person("ada"), "southlight")
    assert signed_in("nora").get("/account/data.json")["Location"].startswith("/account/reauthenticate/")
    answer: Any = sure("nora").get("/account/data.json")
    assert 'filename="my-data.json"' in answer["Content-Disposition"]
    found = json.loads(b"".join(answer.streaming_content))
    assert found["profile"][0]["username"] == "nora"
    assert [row["email"] for row in found["email_addresses"]] == ["nora@example.org"]
    assert [row["handle"] for row in found["channel"]] == ["northlight"]
    assert {"purchases", "top_ups", "tips", "history", "payouts", "points"} <= set(found)
