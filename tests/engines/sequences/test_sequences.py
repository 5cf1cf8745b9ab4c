from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.sequences import (
    GaplessSequence,
    LeasedSequence,
    PublicIds,
    RestoredDatabase,
    SequenceDiffers,
    SequenceExhausted,
    SequenceUnavailable,
    random_id,
)
from mutoscope.engines.sequences.lender import Lender
from tests.databases import scratch_database

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def name() -> str:
    return f"orders-{uuid.uuid4().hex[:12]}"


def stored(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_value FROM sequences_leased WHERE name = %s", [name])
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def test_numbers_begin_at_the_start_and_go_up_by_the_increment(name: str) -> None:
    sequence = LeasedSequence(name, start=10, increment=5)
    assert [sequence.next() for _ in range(4)] == [10, 15, 20, 25]
    assert sequence.take(3) == [30, 35, 40]
    sequence.close()


def test_numbers_go_on_over_many_blocks_without_a_gap_in_one_process(name: str) -> None:
    sequence = LeasedSequence(name, block=7)
    assert [sequence.next() for _ in range(100)] == list(range(1, 101))
    assert sequence.take(50) == list(range(101, 151))
    sequence.close()


def test_two_sequences_of_one_name_never_hand_out_the_same_number(name: str) -> None:
    one, two = LeasedSequence(name, block=5), LeasedSequence(name, block=5)
    taken = [each.next() for _ in range(50) for each in (one, two)]
    assert len(set(taken)) == 100
    one.close()
    two.close()


def test_a_rollback_of_the_caller_gives_no_number_back(name: str) -> None:
    sequence = LeasedSequence(name, block=5)
    with transaction.atomic():
        first = sequence.take(12)
        transaction.set_rollback(True)
    other = LeasedSequence(name, block=5)
    assert set(other.take(12)).isdisjoint(first)
    sequence.close()
    other.close()


def test_threads_share_one_sequence(name: str) -> None:
    sequence = LeasedSequence(name, block=1000)
    taken: list[list[int]] = []

    def work() -> None:
        own: list[int] = []
        for _ in range(4000):
            own.append(sequence.next())
            own.extend(sequence.take(3))
        taken.append(own)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [number for own in taken for number in own]
    assert len(everything) == len(set(everything)) == 8 * 16_000
    sequence.close()


def test_a_forked_child_leases_a_block_of_its_own(name: str) -> None:
    sequence = LeasedSequence(name, block=50)
    mine = sequence.take(10)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, json.dumps([sequence.next() for _ in range(60)]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    mine += sequence.take(60)
    with os.fdopen(reading) as pipe:
        theirs = json.loads(pipe.read())
    os.waitpid(child, 0)
    assert len(theirs) == 60
    assert set(mine).isdisjoint(theirs)
    sequence.close()


def test_a_database_outage_is_survived_for_as_long_as_the_block_lasts(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence = LeasedSequence(name, block=10)
    sequence.next()

    def away(self: Lender, count: int) -> range:
        raise SequenceUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(Lender, "block", away)
        assert [sequence.next() for _ in range(9)] == list(range(2, 11))
        with pytest.raises(SequenceUnavailable):
            sequence.next()
    assert sequence.next() == 11
    sequence.close()


def test_the_upper_bound_is_reached_exactly_and_not_passed(name: str) -> None:
    sequence = LeasedSequence(name, increment=3, maximum=10, block=2)
    assert [sequence.next() for _ in range(4)] == [1, 4, 7, 10]
    with pytest.raises(SequenceExhausted):
        sequence.next()
    sequence.close()


def test_another_shape_of_the_same_sequence_is_refused(name: str) -> None:
    sequence = LeasedSequence(name)
    sequence.next()
    other = LeasedSequence(name, increment=2)
    with pytest.raises(SequenceDiffers):
        other.next()
    sequence.close()
    other.close()


def test_blocks_grow_under_load(name: str) -> None:
    sequence = LeasedSequence(name)
    sequence.take(5000)
    assert sequence._size > 1000
    assert stored(name) > 5000
    sequence.close()


def test_a_restored_backup_is_refused_until_it_was_skipped_ahead(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    sequence = LeasedSequence(name, block=10)
    used = sequence.take(10)
    with connection.cursor() as cursor:
        # As a backup looks that was made before these ten, on another server.
        cursor.execute("UPDATE sequences_leased SET identity = '1/00000001/1', next_value = 1 WHERE name = %s", [name])
    restored = LeasedSequence(name, block=10)
    with pytest.raises(RestoredDatabase, match="skip-ahead"):
        restored.next()
    with pytest.raises(CommandError, match="no sequence"):
        call_command("sequences", "skip-ahead", "nothing")
    with pytest.raises(CommandError, match="never goes back"):
        call_command("sequences", "skip-ahead", name, "--by", "-5")
    call_command("sequences", "skip-ahead", name, "--by", "1000", "--json")
    assert json.loads(capsys.readouterr().out) == {name: 1001}
    assert restored.next() == 1001
    assert max(used) < 1001
    call_command("sequences", "list", "--json")
    assert json.loads(capsys.readouterr().out)[name] == 1011
    sequence.close()
    restored.close()


@pytest.mark.parametrize("wrong", [{"increment": 0}, {"start": 5, "maximum": 4}, {"block": 0}, {"maximum": 2**63}])
def test_a_shape_that_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        LeasedSequence("x", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [None, 5, "", "x" * 101, "a\0b", "half \ud83d"])
def test_a_name_that_is_none_is_refused(wrong: Any) -> None:
    for make in (LeasedSequence, GaplessSequence):
        with pytest.raises(ValueError, match="name must be a text of 1 to 100 characters"):
            make(wrong)


@pytest.mark.parametrize("wrong", [None, 1.5, True, "x" * 101, b"2026"])
def test_a_series_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="series must be a text"):
        GaplessSequence("invoices", series=wrong)


@pytest.mark.parametrize("field", ["start", "increment", "maximum", "block"])
@pytest.mark.parametrize("wrong", [1.5, "7", True])
def test_a_number_that_is_not_whole_is_refused_by_name(field: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"{field} must be a whole number"):
        LeasedSequence("x", **{field: wrong})


@pytest.mark.parametrize("count", [-1, float("nan"), 1.0, "5", None])
def test_so_many_numbers_cannot_be_taken(name: str, count: Any) -> None:
    sequence = LeasedSequence(name)
    with pytest.raises(ValueError, match="count must be"):
        sequence.take(count)
    assert sequence.take(0) == []


def test_a_sequence_that_is_there_goes_on_whatever_the_start(name: str) -> None:
    LeasedSequence(name, start=10, block=1).next()
    assert LeasedSequence(name, start=500, block=1).next() == 11


def test_nobody_skips_beyond_what_can_be_counted(name: str) -> None:
    LeasedSequence(name, block=1).next()
    before = stored(name)
    for distance in (2**63, 2**63 - 1, 10**30):
        with pytest.raises(CommandError, match="would pass"):
            call_command("sequences", "skip-ahead", name, "--by", str(distance))
    assert stored(name) == before


def test_gapless_numbers_are_consecutive_in_each_series(name: str) -> None:
    invoices = GaplessSequence(name, series=2026)
    with transaction.atomic():
        assert [invoices.next(), invoices.next()] == [1, 2]
    with transaction.atomic():
        invoices.next()
        transaction.set_rollback(True)
    with transaction.atomic():
        assert invoices.next() == 3
        assert GaplessSequence(name, series=2027).next() == 1


def test_a_gapless_number_needs_a_transaction(name: str) -> None:
    with pytest.raises(RuntimeError, match="inside transaction"):
        GaplessSequence(name).next()


def test_gapless_numbers_stay_gapless_with_writers_at_once_that_roll_back(name: str) -> None:
    kept: list[int] = []

    def work(seed: int) -> None:
        try:
            for number in range(25):
                with transaction.atomic():
                    value = GaplessSequence(name).next()
                    if (number + seed) % 3 == 0:
                        transaction.set_rollback(True)
                    else:
                        kept.append(value)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept) == list(range(1, len(kept) + 1))


def test_public_ids_come_back_as_the_number_and_nothing_else_does() -> None:
    orders, tickets = PublicIds("orders"), PublicIds("tickets")
    texts = {orders.encode(number) for number in range(2000)}
    assert len(texts) == 2000
    assert all(len(text) >= 6 for text in texts)
    assert [orders.decode(orders.encode(number)) for number in (0, 1, 17, 2**62)] == [0, 1, 17, 2**62]
    assert orders.encode(17) != tickets.encode(17)
    assert [orders.decode(text) for text in ("", "!", "aaaaaa" * 9)] == [None, None, None]
    # Its form is for ever: addresses that people saved depend on it.
    assert PublicIds("orders").encode(17) == orders.encode(17)


def test_random_ids_do_not_repeat() -> None:
    assert len({random_id() for _ in range(1000)}) == 1000
    assert {len(random_id()) for _ in range(10)} == {22}


SCRIPT = """
import django
from django.conf import settings
from mutoscope.engines.postgres.conninfo import database_settings
settings.configure(SECRET_KEY="alone", INSTALLED_APPS=["mutoscope.engines.sequences"], USE_TZ=True,
    DATABASES={{"default": database_settings({url!r})}})
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""


def test_the_example_in_the_documentation_runs_in_a_project_with_sequences_alone(
    tmp_path: Path, postgres_server: EmbeddedServer
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "sequences.md").read_text(), re.DOTALL)
    with scratch_database(postgres_server, "own") as database:
        script = tmp_path / "alone.py"
        script.write_text(SCRIPT.format(url=postgres_server.url(database)) + "\n".join(blocks))
        environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
        done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
