"""One worker: the task engine's, told to end with whoever supervises it."""

from __future__ import annotations

from mutoscope.cli.manage import run_part
from mutoscope.engines.tasks.signals import worker_started


def work(arguments: list[str]) -> None:
    """Run tasks until told to stop. `arguments` are those of the engine's `worker` command."""
    run_part("worker", arguments, worker_started)
