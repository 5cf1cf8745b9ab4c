"""Workers killed at named points, again and again: nothing lost, nothing doubled, every run complete."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.tasks.crashing_workers import DECLINED_EACH, POINTS, RUN_EVERY, TASKS_EACH
from tests.engines.tasks.processes import ROOT, Project
from tests.engines.tasks.project.pipelines import LONG

OPTIONS = '{"BEAT_S": 0.2, "STALE_S": 0.8, "POLL_S": 0.05, "LOST_MAX": 10000}'


def survive(project: Project, kills: int, seed: int, log: Path) -> None:
    project.environment["PROJECT_TASKS_OPTIONS"] = OPTIONS
    project.environment["PROJECT_LOG_LEVEL"] = "ERROR"
    command = [sys.executable, "-m", "tests.engines.tasks.crashing_workers", str(kills), str(seed)]
    done = subprocess.run(command, env=project.environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    project.start_worker(log=log)
    project.eventually("SELECT count(*) FROM tasks_task", 0, patience_s=180)
    films = len(range(0, kills, RUN_EVERY))
    chains = len(range(2, kills, RUN_EVERY))
    total = kills * (TASKS_EACH + 2)
    query = "SELECT count(*), count(DISTINCT id) FROM tasks_finished WHERE status = 1 AND run_id IS NULL"
    assert project.rows(query)[0] == (total, total), "every task has one result"
    assert project.value("SELECT count(*) FROM tasks_finished WHERE status NOT IN (1, 4)") == 0
    assert project.value("SELECT count(*) FROM tasks_slot") == 0
    assert project.value("SELECT count(*) FROM tasks_run WHERE state = 'SUCCEEDED'") == films + chains
    # Probe, plan, the list, two items of two units, package, sprites, cover, publish.
    assert project.value("SELECT count(*) FROM tasks_unit") == films * 11 + chains * len(LONG.units)
    wrong = """
        SELECT count(*) FROM tasks_unit u JOIN tasks_run r ON r.id = u.run_id WHERE u.unit = 'package'
        AND u.output::bigint <> (2 * (r.input::json ->> 'name')::bigint + 1) * 1000
    """
    assert project.value(wrong) == 0
    wrong = """
        SELECT count(*) FROM tasks_unit u JOIN tasks_run r ON r.id = u.run_id WHERE u.unit = 'add29'
        AND u.output::bigint <> r.input::bigint + 30
    """
    assert project.value(wrong) == 0
    end_once_where_declined(project, kills)
    alarms = [line for line in (done.stderr + log.read_text()).splitlines() if "FAILED" in line]
    assert alarms == [], "what a task declines is nobody's alarm"


def end_once_where_declined(project: Project, kills: int) -> None:
    """What was declined has one end, as that, with its sentence, and was not begun again after it."""
    query = "SELECT count(*), count(DISTINCT id) FROM tasks_finished WHERE status = 4 AND run_id IS NULL"
    assert project.rows(query)[0] == (kills * DECLINED_EACH, kills * DECLINED_EACH)
    assert project.value("SELECT count(*) FROM tasks_finished WHERE status = 4 AND error NOT LIKE '%%no film%%'") == 0
    # A worker that was killed before it had written the end costs another attempt; each is begun at most once.
    twice = "SELECT count(*) - count(DISTINCT text) FROM notes WHERE text LIKE 'declines %%'"
    assert project.value(twice) == 0
    later = """
        SELECT count(*) FROM notes n JOIN tasks_finished f ON f.id = split_part(n.text, ' ', 2)::bigint
        WHERE n.text LIKE 'declines %%' AND split_part(n.text, ' ', 3)::int > f.attempt
    """
    assert project.value(later) == 0
    runs = len(range(1, kills, RUN_EVERY))
    query = "SELECT count(*), count(DISTINCT run_id) FROM tasks_finished WHERE status = 4 AND run_id IS NOT NULL"
    assert project.rows(query)[0] == (runs, runs)
    assert project.value("SELECT count(*) FROM tasks_run WHERE state = 'FAILED' AND error LIKE '%%no film%%'") == runs
    # Dead letters are counted there.
    assert project.value("SELECT sum(failed) FROM tasks_worker") == 0


def test_a_few_kills_lose_and_double_nothing(project: Project, tmp_path: Path) -> None:
    survive(project, kills=24, seed=7, log=tmp_path / "worker.log")


@pytest.mark.crash
@pytest.mark.parametrize("seed", range(1, 5))
def test_a_thousand_kills_lose_and_double_nothing(project: Project, seed: int, tmp_path: Path) -> None:
    """In four quarters, so that what fails in one can be seen again in a quarter of the time."""
    assert len(POINTS) * 2 == 28
    survive(project, kills=250, seed=seed, log=tmp_path / "worker.log")
