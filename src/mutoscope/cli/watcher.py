"""The watcher of payments: the engine's, told to end with whoever supervises it."""

from __future__ import annotations

from mutoscope.cli.manage import run_part
from mutoscope.engines.solana.signals import watcher_started


def watch(arguments: list[str]) -> None:
    """Watch until told to stop. `arguments` are those of the engine's `solana_watch` command."""
    run_part("solana_watch", arguments, watcher_started)
