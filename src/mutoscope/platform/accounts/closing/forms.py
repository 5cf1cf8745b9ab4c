"""The two forms that close an account: its person's, and the operator's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from mutoscope.platform.accounts.closing.models import REASON_LENGTH_MAX
from mutoscope.platform.accounts.domain.names import LENGTH_MAX, canonical


class CloseForm(forms.Form):
    username = forms.CharField(label="Your username", max_length=LENGTH_MAX + 1)

    def __init__(self, *given: Any, username: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.expected = username
        self.fields["username"].help_text = f"Type {username} to say that this is the account you mean."
        self.fields["username"].widget.attrs.update({"autocapitalize": "none", "spellcheck": "false"})

    def clean_username(self) -> str:
        typed = canonical(self.cleaned_data["username"])
        if typed != self.expected:
            raise ValidationError(f"Your username is {self.expected}. Type it as it stands here.")
        return typed


class OperatorCloseForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Staff read it on this page until everything is erased, and it is erased with the rest.",
        error_messages={"required": "Say why the account is closed."},
    )
