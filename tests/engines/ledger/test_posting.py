from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from mutoscope.engines.ledger import (
    AccountDiffers,
    InsufficientFunds,
    InvalidTransfer,
    KeyReused,
    Ledger,
    LinkedRefused,
    MalformedTransfer,
    Receipt,
    Transfer,
    credit,
    debit,
)
from tests.engines.ledger.books import Books, fresh

pytestmark = pytest.mark.django_db


def test_an_unlock_moves_points_from_the_viewer_to_creator_and_platform() -> None:
    books = Books.open(viewer_points=100)
    receipt = books.ledger.post(books.unlock(30))
    assert not receipt.repeated
    assert (books.posted(books.viewer), books.posted(books.creator), books.posted(books.platform)) == (70, 27, 3)


def test_the_same_request_twice_posts_once_and_returns_the_first_result() -> None:
    books = Books.open()
    unlock = books.unlock(30)
    first, second = books.ledger.post(unlock), books.ledger.post(unlock)
    assert (second.transfer_id, second.recorded_at, second.repeated) == (first.transfer_id, first.recorded_at, True)
    assert books.posted(books.viewer) == 70


def test_a_repeat_returns_the_first_result_even_when_the_money_is_gone() -> None:
    books = Books.open(viewer_points=30)
    unlock = books.unlock(30)
    first = books.ledger.post(unlock)
    assert books.posted(books.viewer) == 0
    assert books.ledger.post(unlock).transfer_id == first.transfer_id


@pytest.mark.parametrize("change", ["amount", "account", "metadata", "time"])
def test_the_same_key_with_other_content_is_refused(change: str) -> None:
    books = Books.open()
    unlock = books.unlock(30)
    books.ledger.post(unlock)
    legs = {
        "amount": (debit(books.viewer, 31), credit(books.creator, 28), credit(books.platform, 3)),
        "account": (debit(books.viewer, 30), credit(books.platform, 27), credit(books.creator, 3)),
    }.get(change, unlock.legs)
    metadata = {"video": 8} if change == "metadata" else unlock.metadata
    moment = datetime(2020, 1, 1, tzinfo=UTC) if change == "time" else None
    with pytest.raises(KeyReused):
        books.ledger.post(Transfer(unlock.key, legs, metadata, moment))
    assert books.posted(books.viewer) == 70


def test_nobody_spends_more_than_there_is_and_the_refusal_says_by_how_much() -> None:
    books = Books.open(viewer_points=12)
    with pytest.raises(InsufficientFunds) as refused:
        books.ledger.post(books.unlock(30))
    assert refused.value.data() == {"account_id": books.viewer.id, "needed": 30, "available": 12}
    assert books.posted(books.viewer) == 12


def test_a_refusal_leaves_the_callers_transaction_usable() -> None:
    books = Books.open(viewer_points=12)
    with transaction.atomic():
        with pytest.raises(InsufficientFunds):
            books.ledger.post(books.unlock(30))
        books.ledger.post(books.unlock(10))
    assert books.posted(books.viewer) == 2


def test_a_rolled_back_transaction_leaves_no_transfer() -> None:
    books = Books.open()
    unlock = books.unlock(30)
    with transaction.atomic():
        books.ledger.post(unlock)
        transaction.set_rollback(True)
    assert books.posted(books.viewer) == 100
    assert not books.ledger.post(unlock).repeated


def test_a_popular_account_spends_what_lies_in_its_sub_balances() -> None:
    books = Books.open(viewer_points=1000)
    for _ in range(3):
        books.ledger.post(books.unlock(100))
    payee = books.ledger.open_account(fresh("payee"), "bank", "PTS")
    with pytest.raises(InsufficientFunds) as refused:
        books.ledger.post(Transfer(fresh("payout"), (debit(books.platform, 31), credit(payee, 31))))
    assert refused.value.available == 30
    books.ledger.post(Transfer(fresh("payout"), (debit(books.platform, 30), credit(payee, 30))))
    assert (books.posted(books.platform), books.posted(payee)) == (0, 30)


def test_an_account_keeps_its_limit() -> None:
    books = Books.open()
    with pytest.raises(AccountDiffers):
        books.ledger.open_account(books.viewer.owner, "viewer", "PTS", may_go_negative=True)
    assert books.ledger.open_account(books.viewer.owner, "viewer", "PTS") == books.viewer
    assert books.ledger.find_account(books.viewer.owner, "viewer", "PTS") == books.viewer
    assert books.ledger.find_account(books.viewer.owner, "viewer", "EUR") is None


def test_currencies_do_not_mix() -> None:
    books = Books.open()
    euros = books.ledger.open_account(fresh("bank"), "cash", "EUR")
    with pytest.raises(InvalidTransfer, match="balance in each currency"), transaction.atomic():
        books.ledger.post(Transfer(fresh("mixed"), (debit(books.viewer, 5), credit(euros, 5))))


def test_two_currencies_move_together_when_each_balances() -> None:
    books = Books.open()
    bank = books.ledger.open_account(fresh("bank"), "cash", "EUR", may_go_negative=True)
    purse = books.ledger.open_account(fresh("purse"), "cash", "EUR")
    legs = (debit(books.viewer, 5), credit(books.creator, 5), debit(bank, 2), credit(purse, 2))
    books.ledger.post(Transfer(fresh("exchange"), legs))
    assert (books.posted(books.creator), books.posted(purse)) == (5, 2)


def test_an_account_that_does_not_exist_is_refused() -> None:
    books = Books.open()
    with pytest.raises(InvalidTransfer, match="accounts that exist"), transaction.atomic():
        books.ledger.post(Transfer(fresh("nowhere"), (debit(books.viewer, 5), credit(2**62, 5))))
    with pytest.raises(LookupError):
        books.ledger.balance(2**62)


@pytest.mark.parametrize("amount", [-1, 0, 2**63, float("nan"), 1.0, True, "1", None])
@pytest.mark.parametrize("leg", [credit, debit])
def test_an_amount_that_is_none_is_refused_by_name(leg: Any, amount: Any) -> None:
    with pytest.raises(InvalidTransfer, match=r"^amount must be") as refused:
        leg(1, amount)
    assert refused.value.field == "amount"


def test_the_largest_amount_is_accepted_and_one_more_point_is_not() -> None:
    books = Books.open(viewer_points=0)
    books.fund(books.viewer, 2**63 - 1)
    assert books.posted(books.viewer) == 2**63 - 1
    with pytest.raises(Exception, match="out of range"), transaction.atomic():
        books.fund(books.viewer, 1)
    assert books.posted(books.viewer) == 2**63 - 1


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("key", lambda a, b: Transfer("", (debit(a, 1), credit(b, 1)))),
        ("key", lambda a, b: Transfer("k" * 201, (debit(a, 1), credit(b, 1)))),
        ("legs", lambda a, b: Transfer("k", (debit(a, 1),))),
        ("legs", lambda a, b: Transfer("k", (debit(a, 2), credit(b, 1)))),
        ("legs", lambda a, b: Transfer("k", [debit(a, 1), credit(b, 1)])),
        ("legs[1]", lambda a, b: Transfer("k", (debit(a, 1), 1))),
        ("account", lambda a, b: credit(True, 1)),
        ("account", lambda a, b: credit(-5, 1)),
        ("effective_at", lambda a, b: Transfer("k", (debit(a, 1), credit(b, 1)), {}, datetime(2020, 1, 1))),  # noqa: DTZ001
    ],
)
def test_a_malformed_transfer_is_refused_by_the_name_of_what_is_wrong(field: str, make: Any) -> None:
    with pytest.raises(InvalidTransfer) as refused:
        make(1, 2)
    assert refused.value.field == field


def test_metadata_must_be_json() -> None:
    books = Books.open()
    with pytest.raises(InvalidTransfer) as refused:
        books.ledger.post(Transfer(fresh("k"), (debit(books.viewer, 1), credit(books.creator, 1)), {"x": object()}))
    assert refused.value.field == "metadata"


# Many at once


def test_a_batch_gives_each_transfer_its_own_outcome() -> None:
    books = Books.open(viewer_points=70)
    earlier = books.unlock(10)
    books.ledger.post(earlier)
    changed = Transfer(earlier.key, (debit(books.viewer, 1), credit(books.creator, 1)))
    nowhere = Transfer(fresh("nowhere"), (debit(books.viewer, 1), credit(2**62, 1)))
    results = books.ledger.post_each([books.unlock(30), earlier, changed, nowhere, books.unlock(30), books.unlock(20)])
    assert [type(result) for result in results] == [
        Receipt,
        Receipt,
        KeyReused,
        MalformedTransfer,
        InsufficientFunds,
        InsufficientFunds,
    ]
    assert isinstance(results[1], Receipt)
    assert results[1].repeated
    assert books.posted(books.viewer) == 30


def test_a_batch_accepts_the_longest_prefix_that_a_balance_covers() -> None:
    books = Books.open(viewer_points=100)
    results = books.ledger.post_each([books.unlock(20) for _ in range(8)])
    assert [isinstance(result, Receipt) for result in results] == [True] * 5 + [False] * 3
    refused = results[5]
    assert isinstance(refused, InsufficientFunds)
    assert (refused.needed, refused.available) == (20, 0)
    assert books.posted(books.viewer) == 0


def test_a_batch_spends_the_sub_balances_of_a_popular_account() -> None:
    books = Books.open(viewer_points=1000)
    books.ledger.post(books.unlock(1000))
    payouts = [Transfer(fresh("payout"), (debit(books.platform, 30), credit(books.viewer, 30))) for _ in range(4)]
    results = books.ledger.post_each(payouts)
    assert [isinstance(result, Receipt) for result in results] == [True, True, True, False]
    assert (books.posted(books.platform), books.posted(books.viewer)) == (10, 90)


def test_an_empty_batch_is_no_round_trip() -> None:
    assert Ledger().post_each([]) == []


def test_linked_transfers_post_all_or_none() -> None:
    books = Books.open(viewer_points=50)
    with pytest.raises(InsufficientFunds):
        books.ledger.post_linked(books.unlock(30), books.unlock(30))
    assert books.posted(books.viewer) == 50
    receipts = books.ledger.post_linked(books.unlock(20), books.unlock(30))
    assert len(receipts) == 2
    assert books.posted(books.viewer) == 0


def test_a_linked_transfer_may_spend_what_an_earlier_one_brings() -> None:
    books = Books.open(viewer_points=40)
    first = Transfer(fresh("first"), (debit(books.viewer, 40), credit(books.creator, 40)))
    second = Transfer(fresh("second"), (debit(books.creator, 40), credit(books.platform, 40)))
    with pytest.raises(InsufficientFunds):
        books.ledger.post_linked(second, first)
    books.ledger.post_linked(first, second)
    assert (books.posted(books.viewer), books.posted(books.creator), books.posted(books.platform)) == (0, 0, 40)


def test_in_a_batch_a_refused_link_does_not_touch_the_others() -> None:
    books, others = Books.open(viewer_points=50), Books.open(viewer_points=50)
    results = books.ledger.post_each([(books.unlock(30), books.unlock(30)), others.unlock(30)])
    assert [type(result) for result in results] == [LinkedRefused, InsufficientFunds, Receipt]
    assert (books.posted(books.viewer), others.posted(others.viewer)) == (50, 20)


def test_an_effective_time_is_kept_beside_the_recorded_one() -> None:
    books = Books.open()
    moment = datetime.now(UTC) - timedelta(days=400)
    books.ledger.post(Transfer(fresh("late"), (debit(books.viewer, 5), credit(books.creator, 5)), {}, moment))
    assert books.ledger.balance_at(books.creator, moment) == 0
    assert books.ledger.balance_at(books.creator, moment, by_effective_time=True) == 5
    assert books.ledger.balance_at(books.creator, moment - timedelta(days=1), by_effective_time=True) == 0


# At the same time


@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_clicks_two_hundred_times_have_one_effect_each() -> None:
    books = Books.open(viewer_points=0)
    rounds = [(index, books.unlock(7)) for index in range(200)]
    books.fund(books.viewer, 7 * len(rounds))
    barrier = threading.Barrier(20)
    seen: list[set[int]] = [set() for _ in rounds]
    first_times = [0] * len(rounds)
    guard = threading.Lock()
    errors: list[BaseException] = []

    def click() -> None:
        try:
            for index, unlock in rounds:
                barrier.wait(timeout=120)
                receipt = books.ledger.post(unlock)
                with guard:
                    seen[index].add(receipt.transfer_id)
                    first_times[index] += not receipt.repeated
        except BaseException as error:
            errors.append(error)
            barrier.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert first_times == [1] * len(rounds), "a click had no effect, or more than one"
    assert {len(ids) for ids in seen} == {1}
    assert books.posted(books.viewer) == 0
