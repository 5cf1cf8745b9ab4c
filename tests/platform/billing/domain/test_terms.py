"""What buying again does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.platform.billing.domain.terms import RANKS, AlreadyForever, Bought, Holding, Quote, Term, quote, replay

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PRICES = {Term.DAY: 30, Term.MONTH: 60, Term.LIFETIME: 200}


def test_the_first_purchase_starts_now_at_the_full_price() -> None:
    assert quote(Term.DAY, 30, None, NOON) == Quote(Term.DAY, 30, 0, 30, NOON, NOON + DAY, False)
    assert quote(Term.LIFETIME, 200, None, NOON).expires_at is None


def test_the_same_term_again_before_expiry_extends() -> None:
    again = quote(Term.DAY, 30, Holding(NOON + DAY / 2, 1, 30), NOON)
    assert (again.due_points, again.starts_at, again.expires_at) == (30, NOON + DAY / 2, NOON + DAY * 3 / 2)


def test_a_shorter_term_while_a_longer_runs_extends_too() -> None:
    again = quote(Term.DAY, 30, Holding(NOON + 20 * DAY, 2, 60), NOON)
    assert (again.due_points, again.expires_at) == (30, NOON + 21 * DAY)


def test_a_longer_term_begins_at_once_and_what_runs_is_credited() -> None:
    upgrade = quote(Term.MONTH, 60, Holding(NOON + DAY / 2, 1, 30), NOON)
    assert (upgrade.credit_points, upgrade.due_points, upgrade.expires_at) == (30, 30, NOON + 30 * DAY)
    for_life = quote(Term.LIFETIME, 200, Holding(NOON + 20 * DAY, 2, 60), NOON)
    assert (for_life.due_points, for_life.expires_at) == (140, None)


def test_an_upgrade_never_ends_earlier_and_costs_at_least_a_point() -> None:
    many_days = quote(Term.MONTH, 60, Holding(NOON + 40 * DAY, 1, 1200), NOON)
    assert (many_days.due_points, many_days.expires_at) == (1, NOON + 40 * DAY)


def test_what_has_ended_counts_for_nothing() -> None:
    late = quote(Term.MONTH, 60, Holding(NOON, 1, 30), NOON)
    assert (late.credit_points, late.starts_at) == (0, NOON)


@pytest.mark.parametrize("term", list(Term))
def test_nothing_is_added_to_a_lifetime(term: Term) -> None:
    with pytest.raises(AlreadyForever):
        quote(term, 30, Holding(None, 3, 200), NOON)


@given(
    st.lists(
        st.tuples(st.sampled_from([Term.DAY, Term.MONTH, Term.LIFETIME]), st.integers(0, 40 * 24 * 60)), max_size=12
    )
)
def test_buying_one_by_one_and_replaying_the_receipts_give_the_same(steps: list[tuple[Term, int]]) -> None:
    now, holding = NOON, None
    live: list[tuple[Term, Quote]] = []
    receipts: list[Bought] = []
    for term, minutes in steps:
        now += timedelta(minutes=minutes)
        try:
            offered = quote(term, PRICES[term], holding, now)
        except AlreadyForever:
            break
        assert offered.due_points >= 1
        assert offered.due_points + offered.credit_points == offered.price_points
        if holding is not None and holding.expires_at is not None and offered.expires_at is not None:
            assert offered.expires_at > now
            assert offered.expires_at >= holding.expires_at or holding.expires_at <= now
        receipts.append(Bought(term, now, offered.is_upgrade))
        live = (
            []
            if offered.is_upgrade
            else [each for each in live if each[1].expires_at is None or each[1].expires_at > now]
        )
        live.append((term, offered))
        rank = max(RANKS[each] for each, _ in live)
        holding = Holding(offered.expires_at, rank, sum(each.price_points for _, each in live))
        assert replay(receipts) == (True, offered.expires_at)


def test_taking_one_of_several_back_moves_the_rest_forward() -> None:
    three = [Bought(Term.DAY, NOON + n * timedelta(hours=1), False) for n in range(3)]
    assert replay(three) == (True, NOON + 3 * DAY)
    assert replay(three[:1] + three[2:]) == (True, NOON + 2 * DAY)
    assert replay([]) == (False, None)
