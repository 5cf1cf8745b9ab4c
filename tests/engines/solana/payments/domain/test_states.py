"""What receipts amount to, whatever the order they are found in."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.engines.solana.payments.domain.states import (
    MOVES,
    NEXT_STEPS,
    Money,
    Phase,
    Price,
    Receipt,
    Status,
    Step,
    judge,
    may_move,
    next_steps,
)

SOL, USDC, OTHER = 1, 2, 3
END = datetime(2026, 1, 1, tzinfo=UTC)
PRICES = (Price(SOL, 100), Price(USDC, 30))


def receipt(slot: int, token: int | None, amount: int, *, late: bool = False) -> Receipt:
    return Receipt(slot, f"signature {slot}", token, amount, END + timedelta(seconds=1 if late else 0))


@pytest.mark.parametrize(
    ("receipts", "money", "paid_in", "refundable"),
    [
        ([], Money.NOTHING, None, {}),
        ([receipt(1, SOL, 100)], Money.EXACT, SOL, {}),
        ([receipt(1, SOL, 60), receipt(2, SOL, 40)], Money.EXACT, SOL, {}),
        ([receipt(1, SOL, 99)], Money.PARTIAL, None, {SOL: 99}),
        ([receipt(1, SOL, 99), receipt(2, USDC, 29)], Money.PARTIAL, None, {SOL: 99, USDC: 29}),
        ([receipt(1, SOL, 101)], Money.OVER, SOL, {SOL: 1}),
        ([receipt(1, SOL, 99), receipt(2, USDC, 30)], Money.OVER, USDC, {SOL: 99}),
        ([receipt(1, SOL, 100), receipt(2, SOL, 100)], Money.DOUBLE, SOL, {SOL: 100}),
        ([receipt(1, SOL, 100), receipt(2, USDC, 30)], Money.DOUBLE, SOL, {USDC: 30}),
        ([receipt(1, SOL, 100, late=True)], Money.LATE, None, {SOL: 100}),
        ([receipt(1, SOL, 50), receipt(2, SOL, 50, late=True)], Money.LATE, None, {SOL: 100}),
        ([receipt(1, SOL, 100), receipt(2, SOL, 100, late=True)], Money.DOUBLE, SOL, {SOL: 100}),
        ([receipt(1, OTHER, 5)], Money.FOREIGN, None, {OTHER: 5}),
        ([receipt(1, None, 5)], Money.FOREIGN, None, {}),
        ([receipt(1, OTHER, 5), receipt(2, USDC, 30)], Money.FOREIGN, USDC, {OTHER: 5}),
    ],
)
def test_money_states(receipts: list[Receipt], money: Money, paid_in: int | None, refundable: dict[int, int]) -> None:
    verdict = judge(PRICES, receipts, END)
    assert (verdict.money, verdict.paid_in, verdict.refundable) == (money, paid_in, refundable)


def test_late_money_counts_once_somebody_says_so() -> None:
    verdict = judge(PRICES, [receipt(1, SOL, 50), receipt(2, SOL, 50, late=True)], END, accepts_late=True)
    assert (verdict.money, verdict.paid_in) == (Money.EXACT, SOL)


def test_what_was_fulfilled_stays_fulfilled_in_the_same_token() -> None:
    receipts = [receipt(1, USDC, 30), receipt(2, SOL, 100)]
    assert judge(PRICES, receipts, END).paid_in == USDC
    assert judge(PRICES, receipts, END, paid_in=SOL).paid_in == SOL


RECEIPTS = st.lists(
    st.builds(
        receipt,
        st.integers(1, 50),
        st.sampled_from([SOL, USDC, OTHER, None]),
        st.integers(1, 120),
        late=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda each: each.signature,
)


@given(RECEIPTS, st.randoms(use_true_random=False))
def test_the_order_of_discovery_makes_no_difference(receipts: list[Receipt], chance: random.Random) -> None:
    shuffled = list(receipts)
    chance.shuffle(shuffled)
    assert judge(PRICES, shuffled, END) == judge(PRICES, receipts, END)


@given(RECEIPTS)
def test_no_base_unit_is_lost_or_made(receipts: list[Receipt]) -> None:
    verdict = judge(PRICES, receipts, END)
    asked = {price.token: price.amount for price in PRICES}
    for token in (SOL, USDC, OTHER):
        received = sum(each.amount for each in receipts if each.token == token)
        credited = asked[token] if verdict.paid_in == token else 0
        assert credited + verdict.refundable.get(token, 0) == received


@given(RECEIPTS, RECEIPTS)
def test_once_paid_nothing_unpays(receipts: list[Receipt], more: list[Receipt]) -> None:
    paid_in = judge(PRICES, receipts, END).paid_in
    if paid_in is not None:
        known = {each.signature for each in receipts}
        later = [*receipts, *(each for each in more if each.signature not in known)]
        assert judge(PRICES, later, END, paid_in=paid_in).paid_in == paid_in


@given(RECEIPTS, st.booleans())
def test_every_verdict_has_a_next_step(receipts: list[Receipt], ended: bool) -> None:
    verdict = judge(PRICES, receipts, END)
    status = Status.SETTLED if verdict.paid_in else Status.EXPIRED if ended else Status.WAITING
    steps = next_steps(status, verdict.money)
    assert (Step.CREDIT in steps) == (verdict.paid_in is not None)
    if verdict.refundable and ended:
        assert {Step.REFUND, Step.REVIEW} & set(steps)


def test_money_never_stands_for_something_without_a_step_unless_there_is_none() -> None:
    idle = {(phase, money) for (phase, money), steps in NEXT_STEPS.items() if not steps}
    assert idle == {(Phase.EXPIRED, Money.NOTHING)}


def test_settled_is_final_and_expired_ends_only_by_settling() -> None:
    for before, after in product(Status, Status):
        if before is Status.SETTLED:
            assert may_move(before, after) == (after is Status.SETTLED)
    assert MOVES[Status.EXPIRED] == {Status.SETTLED}
