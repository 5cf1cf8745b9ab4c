"""The named statements of each feature's queries.sql, and the one place that runs them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.postgres.prepared import Value, fetch_prepared


@cache
def queries(feature: str) -> SqlFile:
    """The statements of this feature of the context."""
    return SqlFile("mutoscope.platform.billing", f"{feature}/queries.sql")


def fetch(feature: str, name: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement that returns rows, inside the caller's transaction if there is one."""
    return queries(feature).fetch(DEFAULT_DB_ALIAS, name, parameters)


def fetch_often(
    feature: str, name: str, parameters: Mapping[str, Value], *, waits: bool = True
) -> list[tuple[Any, ...]]:
    """As `fetch`, prepared where the connection allows it: for what a click waits for. Say `waits=False` of what locks nothing."""
    return fetch_prepared(DEFAULT_DB_ALIAS, queries(feature).statements[name], parameters, waits=waits)
