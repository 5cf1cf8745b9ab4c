"""Numbers over forks, rollbacks, kills and restarts: none twice. Small here; `make crash` takes a hundred million."""

from __future__ import annotations

import os
import random
import signal
import uuid
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import transaction

from mutoscope.engines.sequences import LeasedSequence

pytestmark = pytest.mark.django_db(transaction=True)


def child(sequence: LeasedSequence, file: Path, numbers: int, *, killed: bool) -> int:
    """Fork a child that writes the numbers it takes, as spans, before it uses any; perhaps it dies on the way."""
    pid = os.fork()
    if pid:
        return pid
    try:
        with file.open("w", buffering=1) as out:
            left = numbers
            while left > 0:
                count = min(left, random.randint(1, 5000))
                taken = sequence.take(count)
                out.write("".join(f"{first} {last}\n" for first, last in spans(taken)))
                left -= count
                if killed and random.random() < 0.02:
                    os.kill(os.getpid(), signal.SIGKILL)
    finally:
        os._exit(0)


def spans(taken: list[int]) -> list[tuple[int, int]]:
    """Consecutive runs of a list in its order."""
    found: list[tuple[int, int]] = []
    for number in taken:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def none_twice(folder: Path, total: int) -> None:
    name = f"crash-{uuid.uuid4().hex[:12]}"
    parent = LeasedSequence(name)
    seen: list[tuple[int, int]] = []
    made = rounds = 0
    while made < total:
        rounds += 1
        seen += spans(parent.take(1000))
        with transaction.atomic():
            seen += spans(parent.take(3000))
            transaction.set_rollback(True)
        files = [folder / f"{rounds}-{number}" for number in range(4)]
        children = [
            child(parent, file, max(total // 20, 1000), killed=number % 2 == 0) for number, file in enumerate(files)
        ]
        for pid in children:
            os.waitpid(pid, 0)
        for file in files:
            lines = file.read_text().splitlines() if file.exists() else []
            # A killed child's last line may be torn.
            whole = [line.split() for line in lines if line.count(" ") == 1 and line.split()[-1].isdigit()]
            seen += [(int(first), int(last)) for first, last in whole]
            file.unlink(missing_ok=True)
        if rounds % 3 == 0:
            parent.close()
            parent = LeasedSequence(name)
        made = sum(last - first + 1 for first, last in seen)
    parent.close()
    seen.sort()
    twice = [(one, two) for one, two in pairwise(seen) if two[0] <= one[1]]
    assert twice == []


def test_no_number_twice_over_forks_rollbacks_kills_and_restarts(tmp_path: Path) -> None:
    none_twice(tmp_path, 400_000)


@pytest.mark.crash
def test_a_hundred_million_numbers_and_none_twice(tmp_path: Path) -> None:
    none_twice(tmp_path, 100_000_000)
