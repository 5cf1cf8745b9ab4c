"""Runs the queue and a pipeline on whichever Django this Python has, and prints what came of it. See tools/django6.py."""

from __future__ import annotations

import subprocess
import sys
import time

import django
from django.core.management import call_command

PATIENCE_S = 120.0


def main() -> None:
    django.setup()
    from mutoscope.engines.tasks.pipelines.progress import read_progress
    from tests.engines.tasks.project import tasks
    from tests.engines.tasks.project.pipelines import FILM, Film

    call_command("migrate", verbosity=0)
    worker = subprocess.Popen([sys.executable, "-W", "error::DeprecationWarning", "-m", "django", "worker"])
    try:
        added = tasks.add.enqueue(20, b=22)
        echoed = tasks.echo.using(priority=5, queue_name="other").enqueue({"x": [1]})
        failed = tasks.fails_for_good.enqueue()
        run = FILM.start(Film("7", (7, 8)))
        deadline = time.monotonic() + PATIENCE_S
        results = (added, echoed, failed)
        while not all(result.is_finished for result in results) or read_progress(run).state == "RUNNING":
            assert time.monotonic() < deadline, "nothing came of it in time"
            time.sleep(0.1)
            for result in results:
                result.refresh()
        progress = read_progress(run)
    finally:
        worker.terminate()
        worker.wait(60)
    assert added.return_value == 42
    assert echoed.return_value == {"x": [1]}
    assert failed.status.name == "FAILED"
    assert failed.errors[0].exception_class_path == "builtins.ValueError"
    assert (progress.state, progress.fraction) == ("SUCCEEDED", 1.0), progress
    assert worker.returncode == 0
    sys.stdout.write(
        f"Django {django.__version__} on Python {sys.version.split()[0]}: {type(added).__mro__[1].__module__} works\n"
    )


if __name__ == "__main__":
    main()
