"""Mail is written in the caller's transaction: with it or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mail
from django.db import transaction

from mutoscope.platform.support.models import Mail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def real_backend(settings: Any) -> None:
    settings.EMAIL_BACKEND = "mutoscope.platform.support.mail.backend.OutboxBackend"


def test_a_mail_that_was_sent_waits_in_the_table_whole() -> None:
    message = EmailMultiAlternatives(
        "Grüße", "Hello\nthere", "Films <no-reply@example.org>", ["a@example.org"], bcc=["b@example.org"]
    )
    message.attach_alternative("<p>Hello</p>", "text/html")
    assert message.send() == 1
    mail = Mail.objects.get()
    assert (mail.state, mail.subject, mail.text) == ("waiting", "Grüße", "Hello\nthere")
    assert mail.recipients == ["a@example.org", "b@example.org"]
    raw = bytes(mail.message)
    assert b"Message-ID" in raw
    assert b"b@example.org" not in raw
    assert b"\r\n" in raw
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.django_db(transaction=True)
def test_a_rollback_leaves_no_mail() -> None:
    with transaction.atomic():
        send_mail("Subject", "Text", None, ["a@example.org"])
        assert Mail.objects.exists()
        transaction.set_rollback(True)
    assert not Mail.objects.exists()


def test_a_mail_to_nobody_is_not_written() -> None:
    assert EmailMessage("Subject", "Text", to=[]).send() == 0
    assert not Mail.objects.exists()


def test_a_line_break_in_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="newlines"):
        send_mail("Subject\nBcc: c@example.org", "Text", None, ["a@example.org"])
    assert not Mail.objects.exists()
