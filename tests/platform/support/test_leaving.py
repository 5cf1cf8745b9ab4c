"""What closing an account means for mail."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import send_mail

from mutoscope.platform.accounts.closing.tasks import erase_all
from mutoscope.platform.support.models import Mail
from tests.people import make_person
from tests.platform.accounts.closing.leavers import close, let_two_weeks_pass

pytestmark = pytest.mark.django_db


def test_mail_that_waits_and_mail_that_was_sent_is_erased_under_every_address(settings: Any) -> None:
    settings.EMAIL_BACKEND = "mutoscope.platform.support.mail.backend.OutboxBackend"
    person = make_person("nora")
    EmailAddress.objects.create(user=person, email="other@example.org", verified=False)
    for address in ("nora@example.org", "other@example.org", "ada@example.org"):
        send_mail("A subject", "A text", None, [address])
    close(person)
    assert Mail.objects.filter(recipients=["nora@example.org"]).count() == 2
    let_two_weeks_pass(person)
    assert erase_all() == 1
    assert [mail.recipients for mail in Mail.objects.all()] == [["ada@example.org"]]
