"""Amounts are integers in a token's base units; decimals exist only in what people read and type."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction

U64_MAX = 2**64 - 1
# A mint stores its decimals in a byte, but an amount beyond nineteen of them could not hold a single whole token.
DECIMALS_MAX = 19


class NotPayable(ValueError):
    """The amount is not a whole number of base units between 1 and the largest a token account can hold."""


def plain_text(amount: int, decimals: int) -> str:
    """An amount for people and for links: "0.5", "-12", never "5e-1", ".5" or "0.50"."""
    if amount < 0:
        return f"-{plain_text(-amount, decimals)}"
    digits = str(amount).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:].rstrip("0")) if decimals else (digits, "")
    return f"{whole}.{fraction}" if fraction else whole


def amount_text(amount: int, symbol: str, decimals: int) -> str:
    """An amount with its unit: "0.5 SOL"."""
    return f"{plain_text(amount, decimals)} {symbol}"


def base_units(text: str | Decimal, decimals: int) -> int:
    """The amount somebody typed, in base units. Raises NotPayable where the token cannot express it exactly."""
    return payable(exact_units(text, decimals))


def exact_units(text: str | Decimal, decimals: int) -> int:
    """The same of a number that nobody has to pay: zero, or less. Raises NotPayable where it is no number of base units."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise NotPayable(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise NotPayable(f"{text!r} is not a number")
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    # Before it is multiplied out: "1e999999999" is short to write and long to compute.
    if abs(exponent) + len(digits) > 100:
        raise NotPayable(f"{text!r} is out of range")
    scaled = Fraction(value) * 10**decimals
    if scaled.denominator != 1:
        raise NotPayable(f"{text} has more than the token's {decimals} decimals")
    return int(scaled.numerator)


def rounded_up(exact: Fraction, decimals: int) -> int:
    """The smallest payable amount that is not below `exact` whole tokens, in base units. For prices out of exchange rates."""
    scaled = exact * 10**decimals
    return payable(-(-scaled.numerator // scaled.denominator))


def payable(amount: int) -> int:
    """The amount itself. Raises NotPayable outside 1 to 2^64 - 1, which is what a transfer can move."""
    if not 1 <= amount <= U64_MAX:
        raise NotPayable(f"{amount} base units cannot be paid: 1 to {U64_MAX} can")
    return amount
