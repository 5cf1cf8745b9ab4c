"""The named statements of each feature's queries.sql, and the one place that runs them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def named_statements(feature: str) -> dict[str, str]:
    """The statements in this feature's queries.sql by their names, without comments."""
    text = (Path(__file__).parent / feature / "queries.sql").read_text()
    parts = _NAME.split(text)[1:]
    return {name: _without_comments(sql) for name, sql in zip(parts[::2], parts[1::2], strict=True)}


def fetch(feature: str, name: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement that returns rows, inside the caller's transaction if there is one."""
    with connection.cursor() as cursor:
        cursor.execute(named_statements(feature)[name], parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def run(feature: str, name: str, parameters: Mapping[str, Any]) -> int:
    """Run a statement that returns none; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(named_statements(feature)[name], parameters)
        return int(cursor.rowcount)


def _without_comments(sql: str) -> str:
    return "\n".join(line for line in sql.strip().splitlines() if not line.startswith("--"))
