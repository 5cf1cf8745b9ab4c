"""Django's management commands, with the embedded database started for them where it is not running."""

from __future__ import annotations

import contextlib

from django.core.management import ManagementUtility
from django.dispatch import Signal

from mutoscope.cli.database import database_running
from mutoscope.cli.notify import say_ready_at
from mutoscope.cli.parent import is_supervised, stop_with_supervisor

# These touch no database, or start their own.
WITHOUT_DATABASE = {
    "", "help", "version", "collectstatic", "findstatic", "diffsettings", "makemessages", "compilemessages",
}  # fmt: skip


def run(arguments: list[str]) -> None:
    """Run one command as `manage.py` would."""
    wants_database = (arguments[0] if arguments else "") not in WITHOUT_DATABASE and "--help" not in arguments
    with database_running() if wants_database else contextlib.nullcontext():
        ManagementUtility(["mutoscope manage", *arguments]).execute()


def run_part(command: str, arguments: list[str], started: Signal) -> None:
    """Run the command of one part of the site until it is told to stop; whoever supervises it hears when it has `started`."""
    stop_with_supervisor()
    say_ready_at(started)
    # `mutoscope up` has looked for unsafe settings already: once is enough for all of its parts.
    skipped = ["--skip-checks"] if is_supervised() else []
    ManagementUtility(["mutoscope", command, *arguments, *skipped]).execute()
