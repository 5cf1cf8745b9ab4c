"""Django's email backend that writes into the table of mail instead of talking to a server.

Whoever sends mail inside a transaction gets both or neither: when it commits the mail exists, when it rolls back nothing
was ever sent. Docs: docs/accounts.md, "Mail".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from django.conf import settings
from django.core.mail import EmailMessage, SafeMIMEText
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from mutoscope.platform.support.mail.tasks import deliver_mail
from mutoscope.platform.support.models import Mail

SUBJECT_LENGTH_MAX = 500


def as_sent(message: EmailMessage) -> bytes:
    """The message as it goes over the wire."""
    # The type is what Django builds: its own kind of message, which alone takes `linesep`.
    built = cast("SafeMIMEText", message.message())
    return built.as_bytes(linesep="\r\n")


class OutboxBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each message that has a recipient; returns how many. Raises as Django does on line breaks in headers."""
        mails = [
            Mail(
                sender=message.from_email,
                recipients=message.recipients(),
                subject=str(message.subject)[:SUBJECT_LENGTH_MAX],
                text=str(message.body),
                message=as_sent(message),
            )
            for message in email_messages
            if message.recipients()
        ]
        # One transaction, the caller's if there is one: mail and the task that sends it exist both or neither.
        with transaction.atomic():
            Mail.objects.bulk_create(mails)
            if mails and settings.MAIL_URL is not None:
                deliver_mail.enqueue()
        return len(mails)
