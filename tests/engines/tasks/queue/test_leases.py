"""Who owns a task, and what becomes of it when its owner is gone."""

from __future__ import annotations

import os
import signal

from django.db import connection

from mutoscope.engines.tasks.compat import TaskResultStatus
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import FinishedTask, LiveTask, WorkerRecord
from mutoscope.engines.tasks.queue.policy import WorkerLost
from mutoscope.engines.tasks.queue.worker.worker import Size
from tests.engines.tasks.conftest import eventually, finished, working
from tests.engines.tasks.processes import Project
from tests.engines.tasks.project import tasks

ENQUEUE = "from tests.engines.tasks.project import tasks; print(tasks.{}.enqueue({}).id)"


def lost_worker() -> int:
    """The id of a worker that stopped beating a minute ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tasks_worker (name, queues, concurrency, beat_at) "
            "VALUES ('gone', 'default', 1, now() - interval '1 minute') RETURNING id"
        )
        return int(cursor.fetchone()[0])


def test_a_lost_workers_task_runs_again_under_a_new_lease(backend: PostgresBackend) -> None:
    result = tasks.echo.enqueue("rescued")
    gone = lost_worker()
    LiveTask.objects.update(worker_id=gone, lease=1, attempt=1)
    with working(backend):
        finished(result)
    assert result.return_value == "rescued"
    assert result.worker_ids[0] == str(gone)
    assert result.attempts == 2
    assert WorkerRecord.objects.get(id=gone).state == "LOST"


def test_a_task_that_takes_every_worker_with_it_ends_as_a_dead_letter(backend: PostgresBackend) -> None:
    result = tasks.echo.enqueue("poison")
    LiveTask.objects.update(worker_id=lost_worker(), lease=5, attempt=5, lost=backend.configuration.lost_max - 1)
    with working(backend):
        finished(result)
    assert result.status == TaskResultStatus.FAILED
    assert result.errors[-1].exception_class is WorkerLost


def test_a_worker_that_lost_its_lease_cannot_write_its_result(backend: PostgresBackend) -> None:
    with working(backend, size=Size(threads=1)) as worker:
        result = tasks.waits_at_the_gate.enqueue("zombie")
        assert tasks.STARTED.wait(60)
        # Someone else claims it, as after a reaping.
        LiveTask.objects.update(worker_id=worker.desk.worker_id + 1000, lease=2)
        tasks.GATE.set()
        eventually(lambda: worker.tally.refused == 1)
        result.refresh()
        assert result.status == TaskResultStatus.RUNNING
        LiveTask.objects.all().delete()
    assert not FinishedTask.objects.exists()


def test_a_worker_declared_lost_starts_over_under_a_new_number(backend: PostgresBackend) -> None:
    with working(backend, size=Size(threads=2)) as worker:
        first = worker.desk.worker_id
        doomed = tasks.waits_at_the_gate.enqueue("doomed")
        assert tasks.STARTED.wait(60)
        WorkerRecord.objects.filter(id=first).update(state="LOST", ended_at=worker_time())
        eventually(lambda: worker.desk.worker_id != first)
        LiveTask.objects.update(worker_id=None)
        tasks.GATE.set()
        finished(doomed)
        assert finished(tasks.echo.enqueue("after")).return_value == "after"
        assert doomed.worker_ids == [str(worker.desk.worker_id)]


def worker_time() -> object:
    from django.utils import timezone

    return timezone.now()


def test_tasks_claimed_without_the_worker_knowing_are_given_back(backend: PostgresBackend) -> None:
    with working(backend) as worker:
        eventually(lambda: worker.pump.line.connected_at)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO tasks_task (queue, path, args, worker_id, lease, attempt) "
                "VALUES ('default', %s, '[\"unknown\"]', %s, 1, 1) RETURNING id",
                [tasks.echo.module_path, worker.desk.worker_id],
            )
            task_id = str(cursor.fetchone()[0])
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'tasks pump' AND datname = current_database()"
            )
        assert finished(backend.get_result(task_id)).return_value == "unknown"


def test_a_worker_survives_the_loss_of_all_its_connections(backend: PostgresBackend) -> None:
    with working(backend) as worker:
        assert finished(tasks.echo.enqueue(0)).return_value == 0
        for number in range(5):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name LIKE 'tasks %%' AND datname = current_database()"
                )
            assert finished(tasks.echo.enqueue(number)).return_value == number
        assert worker.tally.refused == 0
        assert WorkerRecord.objects.filter(ended_at=None).count() == 1


def test_a_task_whose_worker_process_is_killed_runs_again(project: Project) -> None:
    worker = project.start_worker("--threads", "2")
    project.python(ENQUEUE.format("waits_to_be_killed_once", "'x'"))
    project.eventually("SELECT count(*) FROM notes", 1)
    worker.send_signal(signal.SIGKILL)
    worker.wait(60)
    project.start_worker()
    project.eventually("SELECT count(*) FROM tasks_finished WHERE status = 1", 1)
    assert [row[0] for row in project.rows("SELECT text FROM notes ORDER BY id")] == ["begin x", "begin x", "end x"]
    assert project.value("SELECT attempt FROM tasks_finished") == 2


def test_sigterm_finishes_what_runs_gives_back_what_waits_and_exits(project: Project) -> None:
    project.environment["PROJECT_TASKS_OPTIONS"] = '{"BEAT_S": 0.3, "STALE_S": 10, "GRACE_S": 60}'
    worker = project.start_worker("--threads", "1")
    project.python(
        "from tests.engines.tasks.project import tasks\nfor n in range(20): tasks.sleeps_then_writes.enqueue(str(n), 0.7)"
    )
    project.eventually("SELECT count(*) > 0 FROM notes")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(90) == 0
    begun = project.value("SELECT count(*) FROM notes WHERE text LIKE 'begin%%'")
    ended = project.value("SELECT count(*) FROM notes WHERE text LIKE 'end%%'")
    assert begun == ended == project.value("SELECT count(*) FROM tasks_finished WHERE status = 1")
    assert project.value("SELECT count(*) FROM tasks_task WHERE worker_id IS NULL AND attempt = 0") == 20 - ended
    assert project.value("SELECT state FROM tasks_worker") == "STOPPED"


def test_a_task_that_outlasts_the_grace_period_goes_back(project: Project) -> None:
    project.environment["PROJECT_TASKS_OPTIONS"] = '{"BEAT_S": 0.3, "STALE_S": 1.5, "GRACE_S": 0.3}'
    worker = project.start_worker("--threads", "1")
    project.python(ENQUEUE.format("sleeps_then_writes", "'long', 600"))
    project.eventually("SELECT count(*) FROM notes", 1)
    worker.send_signal(signal.SIGTERM)
    # Long before the task would have ended.
    assert worker.wait(60) == 0
    assert project.value("SELECT count(*) FROM tasks_task WHERE worker_id IS NULL") == 1


def test_a_killed_worker_leaves_no_child_behind(project: Project) -> None:
    worker = project.start_worker("--processes", "1")
    project.python(ENQUEUE.format("child_pid", "1"))
    project.eventually("SELECT count(*) FROM tasks_finished", 1)
    result = project.value("SELECT result::json ->> 'pid' FROM tasks_finished")
    os.kill(int(result), 0)
    worker.send_signal(signal.SIGKILL)
    worker.wait(60)

    def is_gone() -> bool:
        try:
            os.kill(int(result), 0)
        except ProcessLookupError:
            return True
        # Killed, and waiting for whoever inherited it to notice.
        with open(f"/proc/{result}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"

    eventually(is_gone)
