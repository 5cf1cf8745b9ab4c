"""One worker: the task engine's, told to end with whoever supervises it."""

from __future__ import annotations

from django.core.management import ManagementUtility

from mutoscope.cli.parent import stop_with_supervisor


def work(arguments: list[str]) -> None:
    """Run tasks until told to stop. `arguments` are those of the engine's `worker` command."""
    stop_with_supervisor()
    ManagementUtility(["mutoscope", "worker", *arguments]).execute()
