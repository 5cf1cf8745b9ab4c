"""Rotation at both levels, indices that never come twice, backup and drill."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from mutoscope.engines.solana import wallets
from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL
from mutoscope.engines.solana.keys import FileKey, write_new_key
from mutoscope.engines.solana.signer import backup
from mutoscope.engines.solana.signer.journal import Journal
from mutoscope.engines.solana.signer.models import SealedSeed
from mutoscope.engines.solana.signer.requests import request_sweep
from mutoscope.engines.solana.signer.seeds import Seeds, SeedsRefused
from mutoscope.engines.solana.signer.vault import KeyRing, VaultRefused, in_child
from mutoscope.engines.solana.wallets.models import Wallet
from tests.engines.solana.signer.house import TREASURY, House


def versions() -> list[tuple[str, int, int, str]]:
    return list(SealedSeed.objects.order_by("purpose", "epoch").values_list("purpose", "epoch", "version", "kek"))


def test_rotation_of_all_levels_while_jobs_wait(house: House) -> None:
    """The key-encryption key, the data keys and the seed itself change, and what was asked before is done."""
    jobs = [request_sweep(house.wallet(f"order-{number}", lamports=LAMPORTS_PER_SOL)) for number in range(3)]
    new = write_new_key(house.folder / "new-kek")
    both = (f"file:{new.path}", f"file:{house.kek.path}")
    seeds = Seeds(KeyRing(both), house.signer.journal)
    assert seeds.rotate_kek() == 2
    assert seeds.rotate_kek() == 0
    with pytest.raises(VaultRefused, match="key at hand"):
        house.signer.seeds.operator()
    house.kek.path.unlink()
    object.__setattr__(house.configuration, "key_encryption_keys", (f"file:{new.path}",))
    house.signer = house.new_signer()
    assert house.signer.seeds.rotate_data_keys() == 2
    assert house.signer.seeds.rotate_seed() == 2
    assert versions() == [
        ("operator", 1, 2, new.key_id()),
        ("wallets", 1, 2, new.key_id()),
        ("wallets", 2, 1, new.key_id()),
    ]
    later = house.wallet("order-later", lamports=LAMPORTS_PER_SOL)
    assert later.epoch == 2
    house.settle(*jobs, request_sweep(later))
    assert {job.state for job in jobs} == {"settled"}
    assert house.lamports(str(TREASURY.pubkey())) == 4 * LAMPORTS_PER_SOL


def test_an_old_sealing_does_not_open_after_its_data_key_was_rotated_away(house: House) -> None:
    row = house.signer.seeds.current("wallets")
    old = row.envelope
    house.signer.seeds.rotate_data_keys()
    house.signer.seeds.rotate_data_keys()
    row.refresh_from_db()
    assert row.version == 3
    assert old != row.envelope


def test_the_pool_fills_up_and_an_index_never_comes_twice(house: House) -> None:
    for number in range(8):
        wallets.claim(f"order-{number}")
    assert house.signer.seeds.fill_pool(20) == 8
    assert house.signer.seeds.fill_pool(20) == 0
    assert list(Wallet.objects.order_by("index").values_list("index", flat=True)) == list(range(28))


def test_a_database_from_before_gives_out_no_address_again(house: House) -> None:
    """As after restoring a backup: rows of wallets are gone, and the counter is back where it was."""
    given = set(Wallet.objects.values_list("address", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DELETE FROM solana_wallet")
        cursor.execute("ALTER TABLE solana_sealed_seed DISABLE TRIGGER USER")
        cursor.execute("UPDATE solana_sealed_seed SET next_index = 0")
        cursor.execute("ALTER TABLE solana_sealed_seed ENABLE TRIGGER USER")
    house.signer.seeds.fill_pool(20)
    assert not given & set(Wallet.objects.values_list("address", flat=True))
    assert Wallet.objects.order_by("index").first().index == 20  # type: ignore[union-attr]


def test_seeds_are_made_once(house: House) -> None:
    with pytest.raises(SeedsRefused, match="already"):
        house.signer.seeds.initialize()


def test_a_backup_is_drilled_and_restored_without_the_old_key(house: House, tmp_path: Path) -> None:
    recovery = write_new_key(tmp_path / "recovery")
    ring = KeyRing((f"file:{recovery.path}",))
    house.signer.seeds.rotate_seed()
    house.signer.seeds.fill_pool(20)
    file = tmp_path / "seeds.backup"
    assert backup.write_backup(file, house.signer.seeds, recovery) == 3
    assert file.stat().st_mode & 0o077 == 0
    found = backup.drill(file, ring)
    assert [(each.purpose, each.epoch, each.different) for each in found] == [
        ("operator", 1, 0),
        ("wallets", 1, 0),
        ("wallets", 2, 0),
    ]
    assert sum(each.checked for each in found if each.purpose == "wallets") == Wallet.objects.count()
    # The machine burns down: seeds, key and journal are gone, the addresses are not.
    SealedSeed.objects.all().delete()
    house.kek.path.unlink()
    fresh = write_new_key(tmp_path / "fresh")
    seeds = Seeds(KeyRing((f"file:{fresh.path}",)), Journal(tmp_path / "fresh-state"))
    assert backup.restore(file, seeds, ring) == 3
    assert seeds.operator().fee.address == house.fee
    assert [each.different for each in backup.drill(file, ring)] == [0, 0, 0]
    seeds.fill_pool(40)
    assert Wallet.objects.filter(epoch=2).count() == Wallet.objects.filter(epoch=2).values("address").distinct().count()


def test_a_drill_tells_a_backup_that_lacks_the_latest_seed(house: House, tmp_path: Path) -> None:
    file = tmp_path / "seeds.backup"
    backup.write_backup(file, house.signer.seeds, house.kek)
    house.signer.seeds.rotate_seed()
    house.signer.seeds.fill_pool(5)
    assert [each.different for each in backup.drill(file, house.signer.seeds.ring)] == [0, 0, 5]


def test_a_backup_without_its_key_is_useless(house: House, tmp_path: Path) -> None:
    file = tmp_path / "seeds.backup"
    backup.write_backup(file, house.signer.seeds, house.kek)
    other = write_new_key(tmp_path / "other")
    with pytest.raises(VaultRefused):
        backup.drill(file, KeyRing((f"file:{other.path}",)))
    with pytest.raises(FileExistsError):
        backup.write_backup(file, house.signer.seeds, house.kek)
    with pytest.raises(SeedsRefused):
        backup.drill(other.path, house.signer.seeds.ring)


def test_another_seed_in_its_place_is_not_overwritten(house: House, tmp_path: Path) -> None:
    file = tmp_path / "seeds.backup"
    backup.write_backup(file, house.signer.seeds, house.kek)
    SealedSeed.objects.all().delete()
    house.signer.seeds.initialize()
    with pytest.raises(SeedsRefused, match="another seed"):
        backup.restore(file, house.signer.seeds, house.signer.seeds.ring)


def test_a_vault_that_is_killed_or_fails_says_so_without_its_secrets() -> None:
    import os
    import signal

    with pytest.raises(VaultRefused, match="without an answer"):
        in_child(lambda: os.kill(os.getpid(), signal.SIGKILL))

    def fails() -> None:
        raise RuntimeError("canary-secret")

    with pytest.raises(VaultRefused, match="RuntimeError") as caught:
        in_child(fails)
    assert "canary" not in str(caught.value)


def test_a_key_that_is_missing_among_several_is_skipped(house: House) -> None:
    ring = KeyRing(("file:/nonexistent/kek", f"file:{house.kek.path}"))
    assert Seeds(ring, house.signer.journal).operator().fee.address == house.fee
    assert FileKey(house.kek.path).key_id() == house.kek.key_id()
