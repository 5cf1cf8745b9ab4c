"""Numbers without a round trip: blocks leased from PostgreSQL and handed out in process."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Iterator
from itertools import islice

from django.db import DEFAULT_DB_ALIAS

from mutoscope.engines.sequences.checking import check_name, check_whole
from mutoscope.engines.sequences.lender import Lender

BLOCK_MIN = 100
BLOCK_MAX = 1_000_000
# A block that lasts shorter than this was too small; one that lasts longer than the other, too large.
LASTS_AT_LEAST_S = 1.0
LASTS_AT_MOST_S = 60.0
MAXIMUM = 2**62
FORK_WAITS_AT_MOST_S = 5.0

_alive: weakref.WeakSet[LeasedSequence] = weakref.WeakSet()


class LeasedSequence:
    """Unique numbers, fast. Thread-safe, fork-safe, and safe with any number of processes and machines.

    No number is handed out twice, ever. There are gaps (what is left of a block when a process ends), and between processes there
    is no order. While the database is away it goes on for as long as its block lasts. Keep one object for each sequence in a process.

        order_numbers = LeasedSequence("orders")
        number = order_numbers.next()
    """

    _lock: threading.Lock
    _numbers: Iterator[int]
    _second: range
    _ready: range | None
    _prefetching: threading.Thread | None
    _size: int
    _fetched_at: float | None

    def __init__(
        self,
        name: str,
        *,
        using: str = DEFAULT_DB_ALIAS,
        start: int = 1,
        increment: int = 1,
        maximum: int = MAXIMUM,
        block: int | None = None,
    ) -> None:
        """`start` is where a sequence begins that the database does not know yet; later it changes nothing.

        `block` fixes the size of blocks; without it they grow and shrink so that one lasts about a second or more.
        """
        check_name("name", name)
        check_whole(start=start, increment=increment, maximum=maximum)
        if not 0 < increment <= 1_000_000 or not -MAXIMUM <= start <= maximum <= MAXIMUM:
            raise ValueError("increment must be 1 to 1,000,000, and start <= maximum, both within 2^62")
        if block is not None:
            check_whole(block=block)
        if block is not None and not 0 < block <= BLOCK_MAX:
            raise ValueError(f"block must be 1 to {BLOCK_MAX}")
        self.name = name
        self._lender = Lender(name, using, start, increment, maximum)
        self._fixed = block
        self._reset()
        _alive.add(self)

    def next(self) -> int:
        """The next number. Raises SequenceUnavailable, SequenceExhausted, RestoredDatabase or SequenceDiffers."""
        while True:
            numbers = self._numbers
            # One step of a range's iterator is atomic under the interpreter's lock, so that no lock of ours is needed.
            for number in numbers:
                return number
            self._refill(numbers)

    def take(self, count: int) -> list[int]:
        """Several numbers, 0 or more, each as good as one of `next`."""
        check_whole(count=count)
        if count < 0:
            raise ValueError(f"count must be 0 or above, not {count}")
        taken: list[int] = []
        while len(taken) < count:
            numbers = self._numbers
            more = list(islice(numbers, count - len(taken)))
            taken += more
            if not more:
                self._refill(numbers)
        return taken

    # A block is handed out in two parts. At the end of the first, the next block is fetched by a thread, so that it
    # is there before the second part ends.

    def _refill(self, used_up: object) -> None:
        with self._lock:
            if self._numbers is not used_up:
                return
            if self._second:
                self._numbers, self._second = iter(self._second), range(0)
                self._prefetch()
                return
            waiting = self._prefetching
            if waiting is not None:
                # Only this object's own thread, which takes no lock of ours, is waited for.
                waiting.join()
                self._prefetching = None
            block, self._ready = self._ready, None
            if block is None:
                block = self._fetch()
            half = (len(block) + 1) // 2
            self._second = block[half:]
            self._numbers = iter(block[:half])

    def _prefetch(self) -> None:
        thread = threading.Thread(target=self._fetch_ahead, name=f"sequence {self.name}", daemon=True)
        self._prefetching = thread
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down
            self._prefetching = None

    def _fetch_ahead(self) -> None:
        # Whatever is wrong is found out again, and raised, by whoever needs the next block.
        with contextlib.suppress(Exception):
            self._ready = self._fetch()

    def _fetch(self) -> range:
        now = time.monotonic()
        if self._fixed is None and self._fetched_at is not None:
            lasted_s = now - self._fetched_at
            if lasted_s < LASTS_AT_LEAST_S:
                self._size = min(self._size * 4, BLOCK_MAX)
            elif lasted_s > LASTS_AT_MOST_S:
                self._size = max(self._size // 4, BLOCK_MIN)
        block = self._lender.block(self._size)
        self._fetched_at = now
        return block

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._numbers = iter(range(0))
        self._second = range(0)
        self._ready = None
        self._prefetching = None
        self._size = self._fixed or BLOCK_MIN
        self._fetched_at = None

    def _after_fork(self) -> None:
        # The block is the parent's, who goes on handing it out.
        self._reset()

    def close(self) -> None:
        """Give up what is left of the block. The next number leases anew: in another database, if there is one by then."""
        with self._lock:
            if self._prefetching is not None:
                self._prefetching.join()
        self._reset()


def _finish_before_fork() -> None:
    # A thread that is in the middle of something at a fork leaves its locks taken in the child, for ever.
    for sequence in list(_alive):
        waiting = sequence._prefetching
        if waiting is not None:
            waiting.join(FORK_WAITS_AT_MOST_S)


def _forget_in_child() -> None:
    for sequence in list(_alive):
        sequence._after_fork()


os.register_at_fork(before=_finish_before_fork, after_in_child=_forget_in_child)
