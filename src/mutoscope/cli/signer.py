"""The signer: the engine's, told to end with whoever supervises it."""

from __future__ import annotations

from django.core.management import ManagementUtility

from mutoscope.cli.database import database_running
from mutoscope.cli.parent import is_supervised, stop_with_supervisor


def run(arguments: list[str]) -> None:
    """Run the signer, or one of its actions. `arguments` are those of the engine's `signer` command."""
    stop_with_supervisor()
    utility = ManagementUtility(["mutoscope", "signer", *arguments])
    if is_supervised():
        # Whoever supervises has started the database.
        utility.execute()
        return
    with database_running():
        utility.execute()
