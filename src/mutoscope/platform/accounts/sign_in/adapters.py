"""Where allauth asks us: which usernames are allowed, what a passkey is called, how a QR code is drawn."""

from __future__ import annotations

import io
from typing import Any

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from mutoscope.platform.accounts.closing.returning import KeepAccountStage, closing_at, closing_of
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

    def get_login_stages(self) -> list[str]:
        """Last of all, whoever is closing the account is asked whether to keep it."""
        return [*super().get_login_stages(), f"{KeepAccountStage.__module__}.{KeepAccountStage.__name__}"]

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **about: Any) -> HttpResponse | None:
        """Not turned away as one who was suspended: the last stage asks them."""
        if isinstance(user, Person) and closing_of(user) is not None:
            return None
        turned_away: HttpResponse | None = super().pre_login(request, user, **about)
        return turned_away

    def send_account_already_exists_mail(self, email: str) -> None:
        """To an address whose account is being closed: when it is free again, or how to keep the account."""
        closing = closing_at(email)
        if closing is None:
            super().send_account_already_exists_mail(email)
            return
        sign_in = context.request.build_absolute_uri(reverse("account_login"))
        about = {"erase_at": closing.erase_at, "sign_in_url": sign_in}
        self.send_mail("accounts/closing/email/signing_up_again", email, about)

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
