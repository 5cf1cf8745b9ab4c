"""The .sql files beside this module, and how their moments are read."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from django.db import connections

from mutoscope.engines.postgres.named_sql import SqlFile

PACKAGE = "mutoscope.engines.ledger"
QUERIES = SqlFile(PACKAGE, "sql/queries.sql")
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
