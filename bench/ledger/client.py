"""One of the 16 processes: `python -m bench.ledger.client WAY WHERE SECONDS`. Prints how many unlocks it made."""

from __future__ import annotations

import random
import sys
import time
import uuid
from collections.abc import Callable

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from bench.ledger import naive  # noqa: E402
from bench.ledger.ground import CREATORS, HOT_CREATOR, PLATFORM, VIEWERS  # noqa: E402
from mutoscope.engines.ledger import Ledger, Transfer, credit, debit  # noqa: E402

BATCH = 100
ledger = Ledger()
chance = random.Random()
run = uuid.uuid4().hex
numbers = iter(range(10**12))


def transfer(viewer: int, creator: int) -> Transfer:
    legs = (debit(viewer, 30), credit(creator, 27), credit(PLATFORM, 3))
    return Transfer(f"unlock:{run}:{next(numbers)}", legs, {"video": 7})


def bare(viewer: int, creator: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT limit_unlock(%s, %s, %s)", [viewer, creator, PLATFORM])
        cursor.fetchone()
    return 1


def ours(viewer: int, creator: int) -> int:
    ledger.post(transfer(viewer, creator))
    return 1


def ours_with_row(viewer: int, creator: int) -> int:
    with transaction.atomic():
        receipt = ledger.post(transfer(viewer, creator))
        with connection.cursor() as cursor:
            values = [viewer, receipt.transfer_id]
            cursor.execute("INSERT INTO bench_entitlement (viewer, transfer_id) VALUES (%s, %s)", values)
    return 1


def ours_with_row_at_once(viewer: int, creator: int) -> int:
    row = "INSERT INTO bench_entitlement (viewer, transfer_id) SELECT %s::bigint, transfer_id FROM posted"
    ledger.post_with(transfer(viewer, creator), row, (viewer,))
    return 1


def bulk(viewer: int, creator: int) -> int:
    del viewer
    ledger.post_each([transfer(chance.randint(1, VIEWERS), creator) for _ in range(BATCH)])
    return BATCH


def naively(viewer: int, creator: int) -> int:
    naive.unlock(viewer, creator, PLATFORM)
    return 1


WAYS: dict[str, Callable[[int, int], int]] = {
    "bare": bare,
    "ours": ours,
    "ours+row": ours_with_row,
    "ours with row": ours_with_row_at_once,
    "bulk": bulk,
    "naive": naively,
}


def main() -> None:
    way, where, seconds = WAYS[sys.argv[1]], sys.argv[2], float(sys.argv[3])
    connection.ensure_connection()
    # When all 16 are ready, all 16 are told to go.
    print("ready", flush=True)
    sys.stdin.readline()
    made, end = 0, time.time() + seconds
    while time.time() < end:
        creator = HOT_CREATOR if where == "hot" else chance.randint(VIEWERS + 1, VIEWERS + CREATORS)
        made += way(chance.randint(1, VIEWERS), creator)
    print(made)


main()
