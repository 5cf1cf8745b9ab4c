"""The .sql files beside this module, and how their moments are read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from django.db import connections

from mutoscope.engines.postgres.named_sql import SqlFile

PACKAGE = "mutoscope.engines.ledger"
QUERIES = SqlFile(PACKAGE, "sql/queries.sql")
_PLACE = re.compile("%%|%s")
CHECKS = SqlFile(PACKAGE, "sql/verify.sql")


@cache
def read_sql(file: str) -> str:
    """The text of one of our SQL files."""
    return (files(PACKAGE) / "sql" / file).read_text()


def aware(using: str, moment: datetime) -> datetime:
    """A moment of an answer, with its time zone. With USE_TZ = False Django's connections answer in local time and do not say so."""
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=ZoneInfo(connections[using].timezone_name)).astimezone(UTC)


@lru_cache(maxsize=1000)
def own_statement(text: str) -> tuple[str, int]:
    """A caller's statement as it can stand within another, in brackets, and how many values it takes. It may end with `;` or a comment."""
    places = sum(found != "%%" for found in _PLACE.findall(text))
    # On a line of its own, so that a comment does not swallow the bracket after it.
    return f"{text.rstrip().rstrip(';')}\n", places
