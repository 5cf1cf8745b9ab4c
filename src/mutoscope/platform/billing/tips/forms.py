"""What somebody types who gives a tip."""

from __future__ import annotations

from django import forms

from mutoscope.platform.billing.models import KEY_LENGTH_MAX, NOTE_LENGTH_MAX


class TipForm(forms.Form):
    points = forms.CharField(widget=forms.TextInput(attrs={"inputmode": "numeric", "maxlength": "12"}))
    note = forms.CharField(required=False, help_text=f"For the creator. At most {NOTE_LENGTH_MAX} characters.")
    may_be_shown = forms.BooleanField(
        required=False,
        label="It may stand under the film",
        help_text="If the creator wants that too. Without your name.",
    )
    # Made with the page: the same form sent twice gives once.
    request_key = forms.CharField(widget=forms.HiddenInput, max_length=KEY_LENGTH_MAX)
