"""The one mail of a closing: that it was asked for, and how to undo it. There is none afterwards: nobody is left to write to."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from mutoscope.platform.accounts.models import Person

FOLDER = "accounts/closing/email"


def tell_how_to_come_back(person: Person, erase_at: datetime) -> None:
    """To their main address, in the transaction that closes the account."""
    primary = EmailAddress.objects.filter(user=person).order_by("-primary", "-verified", "pk").first()
    address = primary.email if primary is not None else person.email
    if not address:
        return
    context = {
        "username": person.username,
        "erase_at": erase_at,
        "sign_in": f"{settings.SITE_URL}{reverse('account_login')}",
        "reset": f"{settings.SITE_URL}{reverse('account_reset_password')}",
        "site": settings.SITE_URL,
    }
    subject = render_to_string(f"{FOLDER}/closing_subject.txt", context).strip()
    send_mail(subject, render_to_string(f"{FOLDER}/closing_message.txt", context), None, [address])
