"""The outbox page: for the developer at this machine, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.mail import send_mail
from django.test import Client
from pydantic import SecretStr

from mutoscope.platform.support.models import Mail
from tests.people import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def a_mail(settings: Any) -> Mail:
    settings.EMAIL_BACKEND = "mutoscope.platform.support.mail.backend.OutboxBackend"
    text = "Open https://films.example.org/confirm/abc?x=1&y=2 now\n<script>alert(1)</script>"
    send_mail("A <b>subject</b>", text, None, ["a@example.org"])
    return Mail.objects.get()


def test_a_message_shows_its_links_and_runs_nothing(client: Client, a_mail: Mail) -> None:
    assert "A &lt;b&gt;subject&lt;/b&gt;" in client.get("/outbox/").content.decode()
    page = client.get(f"/outbox/{a_mail.pk}/").content.decode()
    assert '<a href="https://films.example.org/confirm/abc?x=1&amp;y=2"' in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    "extra",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": "10.0.0.1"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.7"},
    ],
)
def test_nobody_else_finds_an_outbox(client: Client, a_mail: Mail, extra: dict[str, Any]) -> None:
    for path in ("/outbox/", f"/outbox/{a_mail.pk}/"):
        assert client.get(path, **extra).status_code == 404


def test_there_is_none_in_production_nor_where_mail_leaves(client: Client, a_mail: Mail, settings: Any) -> None:
    settings.SANDBOX = False
    assert client.get("/outbox/").status_code == 404
    settings.SANDBOX = True
    settings.MAIL_URL = SecretStr("smtp://mail.example.org")
    assert client.get("/outbox/").status_code == 404


@pytest.mark.parametrize("number", [0, 999_999, 10**30])
def test_a_mail_that_is_not_there(client: Client, number: int) -> None:
    assert client.get(f"/outbox/{number}/").status_code == 404


def test_an_operator_sees_what_happened_but_not_what_was_said(client: Client, a_mail: Mail) -> None:
    client.force_login(make_person("opal", is_staff=True, is_superuser=True))
    page = client.get(f"/operator/support/mail/{a_mail.pk}/change/").content.decode()
    assert "a@example.org" in page
    assert "/confirm/abc" not in page


def test_an_operator_sends_a_dead_letter_again(client: Client, a_mail: Mail) -> None:
    client.force_login(make_person("opal", is_staff=True, is_superuser=True))
    Mail.objects.update(state="dead", ended_at=a_mail.created_at, attempts=12)
    client.post("/operator/support/mail/", {"action": "send_again", "_selected_action": [a_mail.pk]})
    a_mail.refresh_from_db()
    assert (a_mail.state, a_mail.attempts, a_mail.ended_at) == ("waiting", 0, None)
