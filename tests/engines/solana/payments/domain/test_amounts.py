"""Amounts in base units, and as people and links write them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.engines.solana.payments.domain.amounts import U64_MAX, NotPayable, base_units, plain_text, rounded_up

AMOUNTS = st.integers(1, U64_MAX)
DECIMALS = st.integers(0, 19)


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        (1, 9, "0.000000001"),
        (500_000_000, 9, "0.5"),
        (10**9, 9, "1"),
        (1_500_000, 6, "1.5"),
        (12, 0, "12"),
        (-1_500_000, 6, "-1.5"),
        (-1, 9, "-0.000000001"),
        (U64_MAX, 9, "18446744073.709551615"),
        (U64_MAX, 19, "1.8446744073709551615"),
    ],
)
def test_links_write_amounts_plainly(amount: int, decimals: int, text: str) -> None:
    assert plain_text(amount, decimals) == text


@given(AMOUNTS, DECIMALS)
def test_what_is_written_reads_back_and_has_no_exponent(amount: int, decimals: int) -> None:
    text = plain_text(amount, decimals)
    assert base_units(text, decimals) == amount
    assert set(text) <= set("0123456789.")
    assert text[0] != "."
    assert not text.endswith(".")


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-1", "0", "1e999999999", "0.0000001", str(2**64), "1_0x"])
def test_what_cannot_be_paid_is_refused(text: str) -> None:
    with pytest.raises(NotPayable):
        base_units(text, 6)


def test_exponents_of_people_are_understood_and_not_handed_on() -> None:
    assert plain_text(base_units(Decimal("1E-6"), 6), 6) == "0.000001"


@given(st.fractions(min_value=Fraction(1, 10**6), max_value=10**6), st.integers(0, 9))
def test_a_converted_price_is_payable_and_never_below_what_was_asked(exact: Fraction, decimals: int) -> None:
    amount = rounded_up(exact, decimals)
    assert amount >= exact * 10**decimals > amount - 1
