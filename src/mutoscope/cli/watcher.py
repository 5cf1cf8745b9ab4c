"""The watcher of payments: the engine's, told to end with whoever supervises it."""

from __future__ import annotations

from django.core.management import ManagementUtility

from mutoscope.cli.parent import stop_with_supervisor


def watch(arguments: list[str]) -> None:
    """Watch until told to stop. `arguments` are those of the engine's `solana_watch` command."""
    stop_with_supervisor()
    ManagementUtility(["mutoscope", "solana_watch", *arguments]).execute()
