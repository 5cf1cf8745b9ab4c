"""Workers that kill themselves at a named point: `python -m tests.engines.tasks.crashing_workers KILLS SEED`.

One process that has the project loaded forks a worker, which passes some point a few times and then kills itself with
SIGKILL, right before or right after it spoke to the database there. Then the next one, KILLS times; between them new tasks
and runs are enqueued. In the end a worker that does not kill itself finishes what is left.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import django

WORKERS_AT_ONCE = 2
TASKS_EACH = 10
RUN_EVERY = 4
DECLINED_EACH = 2
LIFE_S_MAX = 4.0

# What a worker does to the database, and a pipeline to its run. Each is two points: before it, and after it.
POINTS = (
    "desk.claim",
    "desk.claim_limited",
    "desk.finish_and_claim",
    "desk.finish",
    "desk.retry",
    "desk.advance",
    "desk.conclude",
    "desk.promote",
    "desk.write_progress",
    "keeper.reap",
    "store.checkpoint",
    "store.go_on",
    "task.run",
    # Between a task's refusal of what it was given and the row that keeps it.
    "task.decline",
)


def main() -> None:
    kills, seed = int(sys.argv[1]), int(sys.argv[2])
    django.setup()
    chance = random.Random(seed)
    passed: dict[str, int] = {}
    living: dict[int, float] = {}
    for number in range(kills):
        enqueue(number)
        while len(living) >= WORKERS_AT_ONCE:
            reap_children(living)
        point = f"{chance.choice(('before', 'after'))} {chance.choice(POINTS)}"
        passed[point] = passed.get(point, 0) + 1
        living[start(point, chance.randint(1, 4))] = time.monotonic()
    while living:
        reap_children(living)
    print(len(passed), "points", kills, "kills")


def reap_children(living: dict[int, float]) -> None:
    """Wait a moment for some child's end. One that never came to its point is killed where it is."""
    now = time.monotonic()
    for pid, started_at in list(living.items()):
        if os.waitpid(pid, os.WNOHANG)[0]:
            del living[pid]
        elif now - started_at > LIFE_S_MAX:
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.005)


def enqueue(number: int) -> None:
    from django.db import connections

    from mutoscope.engines.tasks.queue.backend import backend_of
    from tests.engines.tasks.project import tasks
    from tests.engines.tasks.project.pipelines import FILM, LONG, REFUSING, Film

    backend_of().enqueue_many(tasks.echo, [((number,), {})] * TASKS_EACH)
    tasks.echo.using(limit_key=f"k{number % 3}", limit_max=1).enqueue(number)
    tasks.fails_once.enqueue(number)
    for _ in range(DECLINED_EACH):
        tasks.declines_and_says_so.enqueue()
    if number % RUN_EVERY == 1:
        REFUSING.start(f"no film {number}")
    if number % RUN_EVERY == 0:
        FILM.start(Film(str(number), (number, number + 1)))
    if number % RUN_EVERY == 2:
        LONG.start(number)
    # A connection must not be shared with a forked child.
    connections.close_all()


def start(point: str, passes: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        arm(point, passes)
        if passes % 2:
            # Let the second connection write whatever ends, however little it is.
            from mutoscope.engines.tasks.queue.worker import pump

            pump.WORTH_IT = 1
        from mutoscope.engines.tasks.queue.backend import backend_of
        from mutoscope.engines.tasks.queue.worker.worker import Worker

        Worker(backend_of()).run()
    finally:
        os._exit(1)


def arm(point: str, passes: int) -> None:
    """Make this process kill itself when it has come to the point for that many times."""
    from mutoscope.engines.tasks.pipelines.store import RunStore
    from mutoscope.engines.tasks.queue.worker import worker
    from mutoscope.engines.tasks.queue.worker.desk import Desk
    from mutoscope.engines.tasks.queue.worker.execution import Execution
    from mutoscope.engines.tasks.queue.worker.keeper import Keeper

    when, what = point.split()
    owner_name, name = what.split(".")
    if what == "task.run":
        owner: Any = worker
        name = "run_in_thread"
    elif what == "task.decline":
        owner = Execution
        name = "fail_stored"
    else:
        owner = {"desk": Desk, "keeper": Keeper, "store": RunStore}[owner_name]
    original: Callable[..., Any] = getattr(owner, name)
    left = [passes]
    lock = threading.Lock()

    def die() -> None:
        with lock:
            left[0] -= 1
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def armed(*arguments: Any, **named: Any) -> Any:
        # Other failures go the same way as refusals, and are no matter here.
        is_there = what != "task.decline" or named.get("is_declined", False)
        if is_there and when == "before":
            die()
        answer = original(*arguments, **named)
        if is_there and when == "after":
            die()
        return answer

    setattr(owner, name, armed)


if __name__ == "__main__":
    main()
