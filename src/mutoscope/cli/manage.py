"""Django's management commands, with the embedded database started for them where it is not running."""

from __future__ import annotations

import contextlib

from django.core.management import ManagementUtility

from mutoscope.cli.database import database_running

# These touch no database, or start their own.
WITHOUT_DATABASE = {
    "", "help", "version", "collectstatic", "findstatic", "diffsettings", "makemessages", "compilemessages",
}  # fmt: skip


def run(arguments: list[str]) -> None:
    """Run one command as `manage.py` would."""
    wants_database = (arguments[0] if arguments else "") not in WITHOUT_DATABASE and "--help" not in arguments
    with database_running() if wants_database else contextlib.nullcontext():
        ManagementUtility(["mutoscope manage", *arguments]).execute()
