"""allauth's forms in our words: labels without placeholders, and a hint where one is needed."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as second_factor
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.safestring import mark_safe

from mutoscope.platform.accounts.closing.returning import who_may_return
from mutoscope.platform.accounts.domain.names import LENGTH_MAX, LENGTH_MIN

# RFC 5321, 4.5.3.1: 64 octets before the @; a path of 256 with its angle brackets.
ADDRESS_LENGTH_MAX = 254
LOCAL_PART_LENGTH_MAX = 64
PASSWORD_HINT = "At least 10 characters. A few words in a row are easier to remember than symbols."  # noqa: S105


class InOurWords:
    """Give fields of an allauth form our labels and hints, and take the placeholders, which vanish when one types."""

    labels: dict[str, str] = {}
    hints: dict[str, str] = {}
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, form_field in self.fields.items():
            form_field.widget.attrs.pop("placeholder", None)
            form_field.label = self.labels.get(name, form_field.label)
            if name in self.hints:
                form_field.help_text = self.hints[name]


class SignInForm(InOurWords, account.LoginForm):
    labels = {"login": "Email or username", "password": "Password"}
    hints = {"password": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login = self.fields["login"].widget.attrs
        login.update({"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "maxlength": "254"})


class WholeAddress:
    """Refuses an address that no mail server takes, before allauth cuts it to what its column holds."""

    def clean_email(self) -> str:
        typed = str(self.data.get("email", "")).strip()  # type: ignore[attr-defined]
        if len(typed) > ADDRESS_LENGTH_MAX or len(typed.rpartition("@")[0]) > LOCAL_PART_LENGTH_MAX:
            raise ValidationError("This address is longer than an address can be.")
        cleaned: str = super().clean_email()  # type: ignore[misc]
        return cleaned


class SignUpForm(WholeAddress, InOurWords, account.SignupForm):
    labels = {"email": "Email", "username": "Username", "password1": "Password"}
    hints = {
        "email": "We send a link there to confirm it.",
        "username": f"For signing in; nobody else sees it. {LENGTH_MIN} to {LENGTH_MAX} letters, digits, hyphens or underscores.",
        "password1": PASSWORD_HINT,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs.update({"autocapitalize": "none", "spellcheck": "false"})

    def try_save(self, request: HttpRequest) -> Any:
        """Whoever signs up with a known address waits as long as everybody else: the same hash is computed."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class AddEmailForm(WholeAddress, InOurWords, account.AddEmailForm):
    labels = {"email": "Another address"}
    hints = {"email": "We send a link there to confirm it."}


class ChangePasswordForm(InOurWords, account.ChangePasswordForm):
    labels = {"oldpassword": "Current password", "password1": "New password", "password2": "New password, again"}
    hints = {"oldpassword": "", "password1": PASSWORD_HINT}


class ResetPasswordForm(InOurWords, account.ResetPasswordForm):
    """Any address of an account will do; AccountAdapter sees to it that the link goes to the main one."""

    labels = {"email": "Email"}

    def clean_email(self) -> str:
        """Whoever may come back to an account that is being closed may have forgotten its password too."""
        email: str = super().clean_email()
        self.users: list[Any] = self.users or who_may_return(email)
        return email


class NewPasswordForm(InOurWords, account.ResetPasswordKeyForm):
    labels = {"password1": "New password", "password2": "New password, again"}
    hints = {"password1": PASSWORD_HINT}


class SetPasswordForm(InOurWords, account.SetPasswordForm):
    labels = {"password1": "Password", "password2": "Password, again"}
    hints = {"password1": PASSWORD_HINT}


class ReauthenticateForm(InOurWords, account.ReauthenticateForm):
    labels = {"password": "Password"}
    hints = {"password": ""}


class CodeInOurWords(InOurWords):
    """A code comes from a phone: numbers come up first on its keyboard, but recovery codes may be typed as well."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.update(
            {"inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": "20"}
        )


class AuthenticateForm(CodeInOurWords, second_factor.AuthenticateForm):
    labels = {"code": "Code"}
    hints = {"code": "The six digits in your authenticator app, or one of your recovery codes."}


class ReauthenticateCodeForm(CodeInOurWords, second_factor.ReauthenticateForm):
    labels = {"code": "Code"}
    hints = {"code": "The six digits in your authenticator app, or one of your recovery codes."}


class ActivateTotpForm(CodeInOurWords, totp.ActivateTOTPForm):
    labels = {"code": "Code from the app"}
    hints = {"code": "Six digits that change every half minute."}


class AddPasskeyForm(InOurWords, webauthn.AddWebAuthnForm):
    labels = {"name": "Name", "passwordless": "Sign in with it alone, without a password"}
    hints = {
        "name": "Only you see it. The device that holds the key is a good name.",
        "passwordless": mark_safe("Needs a key that checks your finger, face or PIN."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["maxlength"] = "60"
        # A key that replaces the password is what people mean by a passkey; a second step alone is the exception.
        self.fields["passwordless"].initial = True


class RenamePasskeyForm(InOurWords, webauthn.EditWebAuthnForm):
    labels = {"name": "Name"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["maxlength"] = "60"
