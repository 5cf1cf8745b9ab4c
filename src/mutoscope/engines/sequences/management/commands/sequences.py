"""`manage.py sequences list|skip-ahead`."""

from __future__ import annotations

import argparse
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DataError, connections, transaction

from mutoscope.engines.sequences.models import LeasedState
from mutoscope.engines.sequences.queries import query

DISTANCE = 10_000_000


class Command(BaseCommand):
    help = "List leased sequences, or move one ahead after a restore."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="connection to use")
        commands = parser.add_subparsers(dest="action", required=True)
        listing = commands.add_parser("list", help="where each leased sequence stands")
        ahead = commands.add_parser(
            "skip-ahead", help="after a restore, a promotion or a copy: skip what may be in use"
        )
        ahead.add_argument("name", nargs="+")
        ahead.add_argument(
            "--by",
            type=int,
            default=DISTANCE,
            help=f"how many numbers to skip (default {DISTANCE}); more than were used since",
        )
        for each in (listing, ahead):
            each.add_argument("--json", action="store_true", help="answer in JSON")
            # Before the action or after it. Without SUPPRESS its default would undo what was said before.
            each.add_argument("--database", default=argparse.SUPPRESS, help="connection to use")

    def handle(self, *_: Any, **options: Any) -> None:
        using = options["database"]
        if options["action"] == "list":
            found = {state.name: state.next_value for state in LeasedState.objects.using(using).order_by("name")}
        else:
            if options["by"] < 1:
                raise CommandError("--by must be above zero: a sequence never goes back")
            found = self._skip_ahead(using, options["name"], options["by"])
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write("\n".join(f"{name}: next is {value}" for name, value in found.items()))

    def _skip_ahead(self, using: str, names: list[str], distance: int) -> dict[str, int]:
        found = {}
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute(query("identity"))
            identity = cursor.fetchone()[0]
            for name in names:
                try:
                    cursor.execute(query("skip_ahead"), {"name": name, "distance": distance, "identity": identity})
                except DataError as error:
                    raise CommandError(
                        f"{name!r} cannot skip {distance} numbers: it would pass 2^63. Nothing was changed."
                    ) from error
                row = cursor.fetchone()
                if row is None:
                    raise CommandError(f"There is no sequence {name!r}: see `sequences list`. Nothing was changed.")
                found[name] = row[0]
        return found
