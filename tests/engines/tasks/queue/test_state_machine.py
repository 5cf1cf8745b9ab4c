"""Any order of enqueueing, claiming, ending, failing, losing workers and cancelling, against a model of what must follow."""

from __future__ import annotations

import threading
from typing import Any

from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mutoscope.engines.tasks.queue.backend import PostgresBackend, backend_of
from mutoscope.engines.tasks.queue.connection import Line
from mutoscope.engines.tasks.queue.operate import Operator
from mutoscope.engines.tasks.queue.results import FAILED, READY, SUCCESSFUL
from mutoscope.engines.tasks.queue.worker.desk import Desk
from mutoscope.engines.tasks.queue.worker.job import Job
from mutoscope.engines.tasks.queue.worker.keeper import SQL as KEEPING
from tests.engines.tasks.project import tasks

WORKERS = 3
LIMIT = 2


class QueueMachine(RuleBasedStateMachine):
    """`waiting`, `running` and `ended` are what the database must say; `stale` are rights that must be worth nothing."""

    desks: list[Desk]

    @initialize()
    def begin(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE tasks_task, tasks_finished, tasks_worker, tasks_sleeper, tasks_slot")
        self.backend = backend_of()
        self.operator = Operator(self.backend)
        self.waiting: set[int] = set()
        self.running: dict[int, Job] = {}
        self.owner: dict[int, Desk] = {}
        self.ended: dict[int, int] = {}
        self.stale: list[tuple[Desk, int, Job]] = []
        self.limited: set[int] = set()
        self.keys: dict[str, int] = {}
        for number, desk in enumerate(self.desks):
            desk.register(f"worker {number}", 1)

    # What happens

    @rule(number=st.integers(1, 4), priority=st.integers(-2, 2))
    def enqueue(self, number: int, priority: int) -> None:
        for _ in range(number):
            self.waiting.add(int(tasks.echo.using(priority=priority).enqueue(1).id))

    @rule(name=st.sampled_from("ab"))
    def enqueue_unique(self, name: str) -> None:
        task_id = int(tasks.echo.using(unique_key=name).enqueue(name).id)
        if name in self.keys:
            assert task_id == self.keys[name], "one task waits under a key"
        else:
            assert task_id not in self.waiting
            self.keys[name] = task_id
        self.waiting.add(task_id)

    @rule()
    def enqueue_limited(self) -> None:
        task_id = int(tasks.echo.using(limit_key="few", limit_max=LIMIT).enqueue(1).id)
        self.waiting.add(task_id)
        self.limited.add(task_id)

    @rule(worker=st.integers(0, WORKERS - 1), count=st.integers(1, 3), limited=st.booleans())
    def claim(self, worker: int, count: int, limited: bool) -> None:
        desk = self.desks[worker]
        jobs = desk.claim_limited(count) if limited else desk.claim(count)
        candidates = {task for task in self.waiting if (task in self.limited) == limited}
        expected = min(count, len(candidates))
        if limited:
            expected = min(expected, LIMIT - sum(task in self.limited for task in self.running))
        assert len(jobs) == expected
        for job in jobs:
            assert job.id in candidates
            self.waiting.discard(job.id)
            self.running[job.id] = job
            self.owner[job.id] = desk
            self.keys = {name: task for name, task in self.keys.items() if task != job.id}

    @precondition(lambda self: self.running)
    @rule(data=st.data(), status=st.sampled_from((SUCCESSFUL, FAILED)))
    def end(self, data: Any, status: int) -> None:
        job = self._some(data)
        job.status = status
        assert self.owner[job.id].finish([job]) == {job.id}
        self._gone(job)
        self.ended[job.id] = status

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail_and_retry(self, data: Any) -> None:
        job = self._some(data)
        job.status, job.delay_s, job.error = READY, 0.0, {"exception_class_path": "x", "traceback": ""}
        desk = self.owner[job.id]
        kept = desk.retry([job])
        self._gone(job)
        assert kept == {job.id}
        name = job.unique_name
        if name and name in self.keys:
            # Another took the key meanwhile: this one made room for it.
            self.ended[job.id] = 3
            return
        if name:
            self.keys[name] = job.id
        self.waiting.add(job.id)
        while desk.promote()[0]:
            pass

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        job = self._some(data)
        self.owner[job.id].release([job])
        self._gone(job)
        self.waiting.add(job.id)
        if job.unique_name and job.unique_name not in self.keys:
            self.keys[job.unique_name] = job.id

    @rule(worker=st.integers(0, WORKERS - 1))
    def lose_worker(self, worker: int) -> None:
        desk = self.desks[worker]
        lost = [job for job in self.running.values() if self.owner[job.id] is desk]
        parameters = {"worker_ids": [desk.worker_id], "lost_max": 1000, "error": "{}", "cancelled": "{}"}
        desk.line.execute(KEEPING["reap"], parameters)
        for job in sorted(lost, key=lambda job: job.id):
            self.stale.append((desk, desk.worker_id, job))
            self._gone(job)
            self.waiting.add(job.id)
            if job.unique_name and job.unique_name not in self.keys:
                self.keys[job.unique_name] = job.id
        desk.register(f"worker {worker} again", 1)

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def zombie_ends(self, data: Any) -> None:
        desk, worker_id, job = data.draw(st.sampled_from(self.stale))
        job.status = SUCCESSFUL
        current, desk.worker_id = desk.worker_id, worker_id
        try:
            assert desk.finish([job]) == set(), "a right that was lost ends nothing"
        finally:
            desk.worker_id = current

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        task_id = data.draw(st.sampled_from(sorted(self.waiting)))
        assert self.operator.cancel(str(task_id))
        self.waiting.discard(task_id)
        self.keys = {name: task for name, task in self.keys.items() if task != task_id}
        self.ended[task_id] = 3

    @precondition(lambda self: any(status != SUCCESSFUL for status in self.ended.values()))
    @rule(data=st.data())
    def retry_dead_letter(self, data: Any) -> None:
        dead = sorted(task for task, status in self.ended.items() if status != SUCCESSFUL)
        task_id = data.draw(st.sampled_from(dead))
        assert self.operator.retry([str(task_id)]) == [str(task_id)]
        del self.ended[task_id]
        self.waiting.add(task_id)

    # What must always be so

    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        if not hasattr(self, "waiting"):
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, worker_id, lease FROM tasks_task")
            live = cursor.fetchall()
            cursor.execute("SELECT id, status FROM tasks_finished")
            finished = cursor.fetchall()
            cursor.execute("SELECT task_id FROM tasks_slot")
            slots = {row[0] for row in cursor.fetchall()}
        assert {row[0] for row in live if row[1] is None} == self.waiting
        assert {row[0]: (row[1], row[2]) for row in live if row[1] is not None} == {
            job.id: (self.owner[job.id].worker_id, job.lease) for job in self.running.values()
        }
        assert len(finished) == len(self.ended), "no task ends twice"
        assert dict(finished) == self.ended
        assert slots == self.limited & set(self.running)

    def _some(self, data: Any) -> Job:
        job: Job = self.running[data.draw(st.sampled_from(sorted(self.running)))]
        return job

    def _gone(self, job: Job) -> None:
        del self.running[job.id]
        del self.owner[job.id]


def test_any_order_of_events_keeps_every_task_in_exactly_one_state(backend: PostgresBackend) -> None:
    lines = [Line(backend.configuration.direct, "tasks model", threading.Event()) for _ in range(WORKERS)]
    QueueMachine.desks = [Desk(line, ["default"]) for line in lines]
    try:
        run_state_machine_as_test(
            QueueMachine,
            settings=settings(
                max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        for line in lines:
            line.close()
