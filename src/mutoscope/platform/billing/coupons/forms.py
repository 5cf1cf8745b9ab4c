"""What a creator types about a code."""

from __future__ import annotations

from typing import Any

from django import forms

from mutoscope.platform.billing.domain.coupons import CODE_LENGTH_MAX

WHAT = [("percent", "Percent of the price"), ("points_off", "Points")]


def _number() -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": "numeric", "maxlength": "9"})


class CouponForm(forms.Form):
    code = forms.CharField(
        max_length=CODE_LENGTH_MAX, help_text="What viewers type: letters, digits and hyphens, such as AUTUMN-25."
    )
    amount = forms.CharField(label="Takes off", widget=_number())
    what = forms.ChoiceField(label="Of what", choices=WHAT)
    film = forms.ChoiceField(required=False, label="For")
    uses_max = forms.CharField(
        required=False, label="How often", widget=_number(), help_text="By all viewers together; each uses it once."
    )
    ends_on = forms.DateField(
        required=False,
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="In UTC. Without one it counts until you end it.",
    )

    def __init__(self, films: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["film"].choices = [("", "Every film of yours"), *films]  # type: ignore[attr-defined]

    def where(self, field: str) -> str | None:
        """The field of this form that a refusal's field stands for."""
        return {"percent": "amount", "points_off": "amount", "ends_at": "ends_on"}.get(
            field, field if field in self.fields else None
        )
