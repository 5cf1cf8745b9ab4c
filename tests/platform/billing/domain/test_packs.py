"""A pack never costs less than creators are paid for its points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.platform.billing.domain.packs import PaidOutForMore, check


def test_a_bonus_that_is_paid_out_for_more_than_the_pack_costs_is_refused_with_both_sums() -> None:
    with pytest.raises(PaidOutForMore) as refused:
        check(1200, 1000, "0.01")
    assert "These 1,200 points cost $10.00, and creators are paid $12.00 for them" in str(refused.value)
    assert refused.value.sums() == "costs $10.00 and pays out $12.00"


def test_what_costs_just_as_much_is_sold() -> None:
    check(1200, 1200, "0.01")
    check(1200, 1000, "0.008")


def test_a_fraction_of_a_cent_counts() -> None:
    check(1000, 1, "0.00001")
    with pytest.raises(PaidOutForMore) as refused:
        check(1001, 1, "0.00001")
    assert refused.value.sums() == "costs $0.01 and pays out $0.02"


@given(st.integers(1, 2_000_000), st.integers(1, 10_000_000), st.integers(1, 1_000_000))
def test_what_is_sold_is_never_paid_out_for_more_in_whole_numbers(points: int, cents: int, worth: int) -> None:
    """`worth` in hundred-thousandths of a dollar, so that a cent is a thousand of them."""
    try:
        check(points, cents, f"{worth // 100_000}.{worth % 100_000:05}")
    except PaidOutForMore:
        assert points * worth > cents * 1000
    else:
        assert points * worth <= cents * 1000
