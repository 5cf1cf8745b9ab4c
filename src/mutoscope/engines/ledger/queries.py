"""The .sql files beside this module."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from mutoscope.engines.postgres.named_sql import SqlFile

PACKAGE = "mutoscope.engines.ledger"
QUERIES = SqlFile(PACKAGE, "sql/queries.sql")
CHECKS = SqlFile(PACKAGE, "sql/verify.sql")


@cache
def read_sql(file: str) -> str:
    """The text of one of our SQL files."""
    return (files(PACKAGE) / "sql" / file).read_text()
