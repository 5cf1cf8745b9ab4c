"""What a creator types about a price. The rules are the service's; this only says which fields there are."""

from __future__ import annotations

from typing import Any

from django import forms

from mutoscope.platform.billing.domain.money import BadAmount, parse_points
from mutoscope.platform.billing.domain.terms import Term


class PointsField(forms.CharField):
    """Points as somebody types them: a whole number, or nothing where that term is not sold."""

    def __init__(self, label: str, help_text: str) -> None:
        widget = forms.TextInput(attrs={"inputmode": "numeric", "maxlength": "12"})
        super().__init__(required=False, label=label, help_text=help_text, widget=widget)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if not typed:
            return None
        try:
            return parse_points(typed)
        except BadAmount as problem:
            raise forms.ValidationError(str(problem)) from None


class PriceForm(forms.Form):
    day = PointsField("A day", "Points for 24 hours. Leave it empty not to sell a day.")
    month = PointsField("A month", "Points for 30 days.")
    lifetime = PointsField("For ever", "Points to keep it, even if you withdraw the film.")
    is_free = forms.BooleanField(
        required=False, label="Free for everybody", help_text="Without any of the prices above."
    )

    def prices(self) -> dict[Term, int]:
        """The terms that are sold."""
        return {term: self.cleaned_data[term.value] for term in Term if self.cleaned_data.get(term.value) is not None}
