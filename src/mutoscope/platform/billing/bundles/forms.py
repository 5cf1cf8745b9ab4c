"""What a creator types about a bundle."""

from __future__ import annotations

from typing import Any

from django import forms

from mutoscope.platform.billing.bundles.models import TITLE_LENGTH_MAX

TERMS = [("lifetime", "For ever"), ("month", "A month"), ("day", "A day")]


class BundleForm(forms.Form):
    title = forms.CharField(max_length=TITLE_LENGTH_MAX)
    term = forms.ChoiceField(label="For how long", choices=TERMS)
    points = forms.CharField(
        label="Points for all of them", widget=forms.TextInput(attrs={"inputmode": "numeric", "maxlength": "12"})
    )
    films = forms.MultipleChoiceField(error_messages={"required": "Choose two films or more."})

    def __init__(self, films: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["films"].choices = films  # type: ignore[attr-defined]
