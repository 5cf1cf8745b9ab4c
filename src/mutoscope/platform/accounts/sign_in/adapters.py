"""Where allauth asks us: which usernames are allowed, what a passkey is called, how a QR code is drawn."""

from __future__ import annotations

import io
from typing import Any

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import Q

from mutoscope.platform.accounts.domain.names import BadName, parse_name, skeleton
from mutoscope.platform.accounts.models import Person


class AccountAdapter(DefaultAccountAdapter):
    """Usernames by our rules, and refusals that say what to do next."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "That email address and password do not belong together. Check both.",
        "username_password_mismatch": "That username and password do not belong together. Check both.",
        "incorrect_password": "That is not your password.",
        "enter_current_password": "That is not your current password.",
        "too_many_login_attempts": "Too many attempts. Wait five minutes, or reset your password.",
        "rate_limited": "Too many attempts. Wait a minute, then try again.",
        "username_taken": "This username is taken, or looks too much like one that is.",
        "invalid_password_reset": "This link has been used or is too old. Ask for a new one.",
        "duplicate_email": "You have added this address already.",
        "unverified_primary_email": "Confirm this address before you make it your main one.",
    }

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """The canonical username. Raises ValidationError when it cannot be one, or when it looks like another's."""
        try:
            name = parse_name(username)
        except BadName as problem:
            raise ValidationError(str(problem)) from None
        if not shallow and Person.objects.filter(Q(username_skeleton=skeleton(name))).exists():
            raise ValidationError(self.error_messages["username_taken"])
        return name

    def send_password_reset_mail(self, user: AbstractBaseUser, email: str, context: dict[str, Any]) -> None:
        """To the confirmed main address, whichever of theirs was typed: whoever got another one in has not got the account."""
        main = EmailAddress.objects.filter(user_id=user.pk, primary=True, verified=True).first()
        super().send_password_reset_mail(user, main.email if main is not None else email, context)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That code is not right, or no longer. Enter the one that is shown now.",
        "unverified_email": "Confirm your email address first.",
    }

    def build_totp_svg(self, url: str) -> str:
        """The QR code as inline SVG: an image in a data: URL would need a hole in the content security policy."""
        drawn = io.BytesIO()
        segno.make(url, error="m").save(
            drawn, kind="svg", xmldecl=False, svgns=True, border=2, dark="#000", light="#fff", omitsize=True, nl=False,
            svgclass="qr", lineclass=None,
        )  # fmt: skip
        return drawn.getvalue().decode()

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002
        """A name to begin with; people rename keys after the device that holds them."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return "My passkey" if count == 0 else f"Passkey {count + 1}"
