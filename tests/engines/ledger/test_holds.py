from __future__ import annotations

import time
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connections, transaction

from mutoscope.engines.ledger import (
    AlreadyEnded,
    HoldExpired,
    InsufficientFunds,
    InvalidTransfer,
    KeyReused,
    Ledger,
    Transfer,
    UnknownTransfer,
    credit,
    debit,
    models,
)
from mutoscope.engines.ledger.installation import install_sql
from mutoscope.engines.postgres.embedded import EmbeddedServer
from tests.engines.ledger.books import Books, fresh
from tests.engines.ledger.own import ALIAS, own_ledger

pytestmark = pytest.mark.django_db


def available(books: Books) -> tuple[int, int, int]:
    now = books.ledger.balance(books.viewer)
    return now.posted, now.held, now.available


def test_a_hold_sets_aside_and_posts_nothing() -> None:
    books = Books.open(100)
    books.ledger.hold(books.unlock(30))
    assert available(books) == (100, 30, 70)
    assert books.posted(books.creator) == 0
    with pytest.raises(InsufficientFunds) as refused:
        books.ledger.post(books.unlock(80))
    assert refused.value.available == 70


def test_a_hold_posts_in_whole() -> None:
    books = Books.open(30)
    hold = books.ledger.hold(books.unlock(30))
    key = fresh("post")
    posted = books.ledger.post_hold(hold.transfer_id, key)
    assert available(books) == (0, 0, 0)
    assert books.posted(books.creator) == 27
    assert books.ledger.post_hold(hold.transfer_id, key).transfer_id == posted.transfer_id


def test_a_hold_posts_in_part_and_releases_the_rest() -> None:
    books = Books.open(100)
    hold = books.ledger.hold(books.unlock(30))
    books.ledger.post_hold(hold.transfer_id, fresh("part"), (debit(books.viewer, 10), credit(books.creator, 10)))
    assert available(books) == (90, 0, 90)


def test_a_post_stays_within_its_holds_plan() -> None:
    books = Books.open(100)
    for legs in (
        (debit(books.viewer, 31), credit(books.creator, 31)),
        (debit(books.viewer, 5), credit(books.source, 5)),
        (debit(books.viewer, 28), credit(books.creator, 28)),
    ):
        hold = books.ledger.hold(books.unlock(30))
        with pytest.raises(InvalidTransfer, match="within the hold's plan"), savepoint():
            books.ledger.post_hold(hold.transfer_id, fresh("over"), legs)


def test_a_hold_is_voided_once_and_then_neither_posted_nor_voided() -> None:
    books = Books.open(100)
    hold = books.ledger.hold(books.unlock(30))
    key = fresh("void")
    books.ledger.void_hold(hold.transfer_id, key)
    assert available(books) == (100, 0, 100)
    assert books.ledger.void_hold(hold.transfer_id, key).repeated
    for again in (books.ledger.post_hold, books.ledger.void_hold):
        with pytest.raises(AlreadyEnded):
            again(hold.transfer_id, fresh("again"))


def test_an_expired_hold_is_released_and_cannot_be_posted() -> None:
    books = Books.open(100)
    hold = books.ledger.hold(books.unlock(30), lasts=timedelta(milliseconds=1))
    kept = books.ledger.hold(books.unlock(20), lasts=timedelta(hours=1))
    time.sleep(0.01)
    with pytest.raises(HoldExpired):
        books.ledger.post_hold(hold.transfer_id, fresh("late"))
    assert available(books) == (100, 50, 50)
    assert books.ledger.expire_holds(limit=10_000) >= 1
    assert available(books) == (100, 20, 80)
    with pytest.raises(AlreadyEnded):
        books.ledger.void_hold(hold.transfer_id, fresh("void"))
    books.ledger.post_hold(kept.transfer_id, fresh("post"))


def test_a_hold_is_idempotent_and_its_key_is_not_for_others() -> None:
    books = Books.open(100)
    unlock = books.unlock(30)
    first = books.ledger.hold(unlock)
    assert books.ledger.hold(unlock).transfer_id == first.transfer_id
    with pytest.raises(KeyReused):
        books.ledger.post(unlock)
    assert available(books) == (100, 30, 70)


def test_a_repeated_hold_expires_when_the_first_one_said() -> None:
    books = Books.open(100)
    unlock = books.unlock(30)
    first = books.ledger.hold(unlock, lasts=timedelta(hours=1))
    before = models.Transfer.objects.get(pk=first.transfer_id).expires_at
    for lasts in (timedelta(hours=2), None):
        assert books.ledger.hold(unlock, lasts=lasts).repeated
    assert models.Transfer.objects.get(pk=first.transfer_id).expires_at == before


def test_what_is_no_hold_cannot_be_posted_as_one() -> None:
    books = Books.open(100)
    receipt = books.ledger.post(books.unlock(30))
    for wrong in (receipt.transfer_id, 2**62):
        with pytest.raises(UnknownTransfer):
            books.ledger.post_hold(wrong, fresh("k"))


def test_a_reversal_undoes_a_transfer_once() -> None:
    books = Books.open(100)
    unlock = books.ledger.post(books.unlock(30))
    key = fresh("refund")
    refund = books.ledger.reverse(unlock.transfer_id, key)
    assert (books.posted(books.viewer), books.posted(books.creator), books.posted(books.platform)) == (100, 0, 0)
    assert books.ledger.reverse(unlock.transfer_id, key).repeated
    with pytest.raises(AlreadyEnded) as refused:
        books.ledger.reverse(unlock.transfer_id, fresh("again"))
    assert refused.value.ended_by == refund.transfer_id


def test_a_reversal_takes_no_more_than_there_is() -> None:
    books = Books.open(100)
    unlock = books.ledger.post(books.unlock(30))
    books.ledger.post(Transfer(fresh("payout"), (debit(books.creator, 20), credit(books.source, 20))))
    with pytest.raises(InsufficientFunds) as refused:
        books.ledger.reverse(unlock.transfer_id, fresh("refund"))
    assert refused.value.data() == {"account_id": books.creator.id, "needed": 27, "available": 7}


def test_a_hold_is_not_reversed() -> None:
    books = Books.open(100)
    hold = books.ledger.hold(books.unlock(30))
    for wrong in (hold.transfer_id, 2**62):
        with pytest.raises(UnknownTransfer):
            books.ledger.reverse(wrong, fresh("refund"))


def savepoint():  # type: ignore[no-untyped-def]
    from django.db import transaction

    return transaction.atomic()


# How what ended a hold was looked for until migration 0004.
BY_KEY = "t.id = (SELECT r.transfer_id FROM ledger_reference r WHERE r.earlier_id = p_earlier_id)"
BY_SCAN = "t.refers_to = p_earlier_id"


def scanned() -> int:
    """How often this transaction passed over all transfers."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'ledger_journal'")
        return int(cursor.fetchone()[0])


def end_and_reverse(books: Books) -> int:
    """End a hold in each way and reverse a transfer, with a second try at each: how often all transfers were passed over."""
    with transaction.atomic(using=ALIAS):
        before = scanned()
        voided, posted = (books.ledger.hold(books.unlock(10)).transfer_id for _ in range(2))
        reversed_ = books.ledger.post(books.unlock(10)).transfer_id
        books.ledger.void_hold(voided, fresh("void"))
        books.ledger.post_hold(posted, fresh("post"))
        books.ledger.reverse(reversed_, fresh("back"))
        for end, ended in (
            (books.ledger.void_hold, voided),
            (books.ledger.post_hold, posted),
            (books.ledger.reverse, reversed_),
        ):
            with pytest.raises(AlreadyEnded):
                end(ended, fresh("again"))
        return scanned() - before


def test_an_end_and_a_reversal_pass_over_no_transfers_also_where_an_earlier_release_made_the_ledger(
    postgres_server: EmbeddedServer, django_db_blocker: object
) -> None:
    release = install_sql("public").replace("public.", "")
    assert BY_KEY in release
    with own_ledger(postgres_server, django_db_blocker, sql=release.replace(BY_KEY, BY_SCAN)):
        books = Books.open(1000, Ledger(ALIAS))
        with connections[ALIAS].cursor() as cursor:
            fund = "SELECT ledger_post('many ' || n, %s, '{-1,1}') FROM generate_series(1, 3000) n"
            cursor.execute(fund, [[books.source.id, books.viewer.id]])
            cursor.execute("VACUUM ANALYZE ledger_journal")
        assert end_and_reverse(books) > 0, "the measure does not notice a scan"
        with connections[ALIAS].schema_editor() as editor:
            migration = import_module("mutoscope.engines.ledger.migrations.0004_what_ended_it_by_key")
            migration.bring_to_this_release(None, editor)
        assert end_and_reverse(books) == 0
