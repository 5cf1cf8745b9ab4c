"""Claiming a wallet: once each, in the caller's transaction, whatever runs beside it."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from solders.pubkey import Pubkey

from mutoscope.engines.solana import wallets
from mutoscope.engines.solana.wallets.models import Wallet
from mutoscope.engines.solana.wallets.pool import add_to_pool, withdraw_before


def fill(count: int, epoch: int = 1, first: int = 0) -> list[str]:
    addresses = {first + place: str(Pubkey.new_unique()) for place in range(count)}
    add_to_pool(epoch, addresses)
    return list(addresses.values())


@pytest.mark.django_db
def test_a_claim_gives_the_oldest_free_wallet_and_the_same_one_again() -> None:
    addresses = fill(3)
    first = wallets.claim("order-1")
    assert (first.address, first.epoch, first.index, first.reference) == (addresses[0], 1, 0, "order-1")
    assert wallets.claim("order-1").pk == first.pk
    assert wallets.claim("order-2").address == addresses[1]
    assert wallets.pool_status().free == 1


@pytest.mark.django_db
def test_a_claim_costs_four_statements_at_most() -> None:
    fill(1)
    with CaptureQueriesContext(connection) as queries:
        wallets.claim("order-1")
    assert len(queries) <= 4, [query["sql"] for query in queries]


@pytest.mark.django_db
def test_an_empty_pool_is_said_so() -> None:
    with pytest.raises(wallets.PoolEmpty):
        wallets.claim("order-1")


@pytest.mark.django_db
@pytest.mark.parametrize("reference", ["", "x" * 201])
def test_a_reference_that_cannot_be_kept_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="reference"):
        wallets.claim(reference)


@pytest.mark.django_db
def test_a_low_pool_is_an_alarm() -> None:
    fill(5)
    assert wallets.pool_status(6).is_low
    assert not wallets.pool_status(5).is_low


@pytest.mark.django_db
def test_retiring_an_epoch_empties_its_pool_and_leaves_what_was_claimed() -> None:
    fill(3)
    claimed = wallets.claim("order-1")
    fill(2, epoch=2)
    assert withdraw_before(2) == 2
    assert wallets.claim("order-2").epoch == 2
    assert wallets.claim("order-1").pk == claimed.pk


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE solana_wallet SET address = 'someone else'",
        "UPDATE solana_wallet SET index = 7",
        "UPDATE solana_wallet SET reference = 'order-2'",
        "UPDATE solana_wallet SET reference = NULL, claimed_at = NULL",
    ],
)
def test_a_claimed_wallet_cannot_be_changed_even_by_sql(change: str) -> None:
    fill(1)
    wallets.claim("order-1")
    with pytest.raises(DatabaseError, match="does not change"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.django_db
def test_an_index_is_never_used_twice() -> None:
    fill(2)
    with pytest.raises(DatabaseError, match="index_once"), transaction.atomic():
        fill(1, first=1)


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_claim_frees_the_wallet() -> None:
    fill(1)
    with transaction.atomic():
        wallets.claim("order-1")
        transaction.set_rollback(True)
    assert Wallet.objects.filter(reference=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_simultaneous_claims_get_one_wallet_each_and_one_reference_gets_one() -> None:
    # 36 are needed, and each of the eight may for a moment hold one more that it gives back: it lost the race for a shared reference.
    fill(44)
    start = threading.Barrier(8)
    given: list[tuple[str, str]] = []

    def claim_some(worker: int) -> None:
        try:
            start.wait(30)
            for number in range(4):
                given.append((f"own-{worker}-{number}", wallets.claim(f"own-{worker}-{number}").address))
                with transaction.atomic():
                    given.append((f"shared-{number}", wallets.claim(f"shared-{number}").address))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claim_some, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(given) == 64
    by_reference = dict(given)
    assert len(by_reference) == 36
    assert set(given) == set(by_reference.items()), "one reference was given two wallets"
    assert len(set(by_reference.values())) == 36, "one wallet was given to two references"
