"""Django's management commands, with the embedded database started for them where it is not running."""

from __future__ import annotations

import contextlib
import sys

from django.core.management import ManagementUtility
from django.dispatch import Signal

from mutoscope.cli.database import database_running
from mutoscope.cli.notify import say_ready_at
from mutoscope.cli.parent import is_supervised, stop_with_supervisor
from mutoscope.cli.tables import described_database, look_at_tables, require_current_tables

# These touch no database, or start their own.
WITHOUT_DATABASE = {
    "", "help", "version", "collectstatic", "findstatic", "diffsettings", "makemessages", "compilemessages",
}  # fmt: skip


def run(arguments: list[str]) -> None:
    """Run one command as `manage.py` would."""
    command = arguments[0] if arguments else ""
    wants_database = command not in WITHOUT_DATABASE and not _asks_for_help(arguments)
    with database_running() if wants_database else contextlib.nullcontext():
        if command == "migrate" and wants_database:
            _say_which_database()
        ManagementUtility(["mutoscope manage", *arguments]).execute()


def _say_which_database() -> None:
    """Before anything changes there. Raises TablesOfAnotherRelease, where nothing may."""
    import django

    django.setup()
    sys.stderr.write(f"Changing {described_database().rstrip(',')}.\n")
    look_at_tables()


def _asks_for_help(arguments: list[str]) -> bool:
    return "--help" in arguments or "-h" in arguments


def run_part(command: str, arguments: list[str], started: Signal) -> None:
    """Run the command of one part of the site until it is told to stop; whoever supervises it hears when it has `started`."""
    stop_with_supervisor()
    say_ready_at(started)
    # `mutoscope up` has looked for unsafe settings, and at the tables, already: once is enough for all of its parts.
    skipped = ["--skip-checks"] if is_supervised() else []
    if not is_supervised() and not _asks_for_help(arguments):
        require_current_tables()
    ManagementUtility(["mutoscope", command, *arguments, *skipped]).execute()
