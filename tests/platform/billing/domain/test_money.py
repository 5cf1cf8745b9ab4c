"""A price and its two parts; what counts as an amount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.platform.billing.domain.money import (
    FEE_BPS_MAX,
    POINTS_MAX,
    BadAmount,
    parse_cents,
    parse_points,
    split,
)


@given(st.integers(1, 10**12), st.integers(0, FEE_BPS_MAX))
def test_the_parts_always_add_up_and_the_creator_gets_something(price: int, fee_bps: int) -> None:
    parts = split(price, fee_bps)
    assert parts.fee_points + parts.creator_points == price
    assert parts.fee_points >= 0
    assert parts.creator_points >= 1
    # Rounded down: never above the exact fee, and less than a point below it.
    assert 0 <= price * fee_bps - parts.fee_points * 10_000 < 10_000


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(0, FEE_BPS_MAX))
def test_selling_in_parts_never_costs_a_creator_more_than_selling_at_once(one: int, other: int, fee_bps: int) -> None:
    together = split(one + other, fee_bps).fee_points
    assert split(one, fee_bps).fee_points + split(other, fee_bps).fee_points <= together


def test_the_written_examples() -> None:
    assert (split(30, 1000).fee_points, split(30, 1000).creator_points) == (3, 27)
    assert (split(9, 1000).fee_points, split(9, 1000).creator_points) == (0, 9)
    assert (split(19, 1000).fee_points, split(19, 1000).creator_points) == (1, 18)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "-1",
        "0",
        "1.5",
        "1,5",
        "1e3",
        "½",
        "٣",
        "0x10",
        "NaN",
        "inf",
        str(POINTS_MAX + 1),
        "9" * 5000,
        "1 000",
        "1,00",
        "1,0000",
        "1000,000",
        ",100",
        "1,000,",
        "1,000.5",
        -1,
        0,
        POINTS_MAX + 1,
        2**63,
        1.0,
        True,
        None,
        [1],
    ],
)
def test_what_is_no_amount_of_points(typed: object) -> None:
    with pytest.raises(BadAmount):
        parse_points(typed)
    with pytest.raises(BadAmount):
        parse_cents("1.5" if typed in (POINTS_MAX + 1, str(POINTS_MAX + 1)) else typed)


@given(st.integers(1, POINTS_MAX))
def test_amounts_are_read_as_they_are_written(points: int) -> None:
    assert parse_points(points) == parse_points(f" {points} ") == points
    # As the site writes them.
    assert parse_points(f"{points:,}") == points


@pytest.mark.parametrize(("price", "fee_bps"), [(0, 1000), (-1, 1000), (1, -1), (1, FEE_BPS_MAX + 1)])
def test_what_cannot_be_split(price: int, fee_bps: int) -> None:
    with pytest.raises(BadAmount):
        split(price, fee_bps)
