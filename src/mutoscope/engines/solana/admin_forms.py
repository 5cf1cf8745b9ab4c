"""What an operator fills in."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from mutoscope.engines.solana.models import UnmatchedReceipt
from mutoscope.engines.solana.payments.domain.amounts import U64_MAX, NotPayable, amount_text, exact_units, plain_text
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


class TokenAmountField(forms.CharField):
    """An amount as people write it, in a token's own units; an integer of base units in Python, None where it is left empty."""

    # Digits that everybody reads alike: Decimal takes underscores and other scripts' digits as well.
    NUMBER = re.compile(r"-?\d{1,60}(\.\d{0,30})?", re.ASCII)
    symbol, decimals = "", 0

    def __init__(self, *, least: int, **options: Any) -> None:
        super().__init__(**options)
        self.least = least

    def prepare_value(self, value: Any) -> Any:
        """What was kept, in whole tokens. What was typed stands as it was typed."""
        return plain_text(value, self.decimals) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        if not self.NUMBER.fullmatch(text):
            raise forms.ValidationError("Write a number, its decimals after a point, as in 2.5.")
        try:
            amount = exact_units(text, self.decimals)
        except NotPayable:
            raise forms.ValidationError(f"{self.symbol} has {self.decimals} decimals: write no more.") from None
        if not self.least <= amount <= U64_MAX:
            least, most = (plain_text(bound, self.decimals) for bound in (self.least, U64_MAX))
            raise forms.ValidationError(f"This has to lie between {least} and {most} {self.symbol}.")
        return amount

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # subscriptable in stubs only
    """A token, its thresholds in its own units. Which fields there are is the page's: a project's own token may have more."""

    dust_below = TokenAmountField(least=0)
    second_opinion_from = TokenAmountField(least=1, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        token = self.instance
        for name in ("dust_below", "second_opinion_from"):
            field = self.fields[name]
            assert isinstance(field, TokenAmountField)
            field.symbol, field.decimals = token.symbol, token.decimals or 0
            column = token._meta.get_field(name)
            field.label = f"{column.verbose_name[:1].upper()}{column.verbose_name[1:]}"
            field.help_text = f"In {token.symbol}, as in {amount_text(25 * 10**field.decimals // 10, token.symbol, field.decimals)}. {column.help_text}"

    def clean_symbol(self) -> str:
        """Payments, rates and payouts find a token by it. One that is kept as it is, is nobody's mistake of now."""
        symbol: str = self.cleaned_data["symbol"]
        if symbol == self.initial.get("symbol"):
            return symbol
        if not re.fullmatch(r"[A-Z0-9]{2,12}", symbol):
            raise forms.ValidationError("A symbol is 2 to 12 capital letters A to Z and digits, such as USDC.")
        if type(self.instance)._default_manager.filter(symbol__iexact=symbol).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("Another token has this symbol.")
        return symbol
