"""What an operator fills in."""

from __future__ import annotations

from typing import Any

from django import forms

from mutoscope.engines.solana.models import UnmatchedReceipt
from mutoscope.engines.solana.payments.swapped import payment_model


class UnmatchedForm(forms.ModelForm):  # type: ignore[type-arg]  # subscriptable in stubs only
    """Ends an unmatched receipt: by the payment it belongs to, or by a note that says what it was."""

    belongs_to = forms.CharField(
        required=False, max_length=22, help_text="A payment's public id: the money is counted for it, for good."
    )

    class Meta:
        model = UnmatchedReceipt
        fields = ("note",)

    def clean_belongs_to(self) -> Any:
        public_id = self.cleaned_data["belongs_to"].strip()
        if not public_id:
            return None
        payment = payment_model().objects.filter(public_id=public_id).first()
        if payment is None:
            raise forms.ValidationError("There is no such payment.")
        return payment

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and cleaned.get("belongs_to") is None and not cleaned.get("note", "").strip():
            raise forms.ValidationError("Name the payment it belongs to, or say what it was.")
        return cleaned
