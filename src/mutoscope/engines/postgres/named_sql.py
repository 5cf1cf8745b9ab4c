"""SQL by name: a `.sql` file holds several statements, each under a line `-- name: its_name`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any

from django.db import connections

# For a statement with `%(name)s`, or for one with `%s`.
Parameters = Mapping[str, Any] | tuple[Any, ...] | None

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*\n?", re.MULTILINE)


def named_statements(text: str) -> dict[str, str]:
    """Every statement of a file's text by its name, without comments, which would travel with every request.

    Raises ValueError when two share a name.
    """
    _, *parts = _NAME.split(text)
    found: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in found:
            raise ValueError(f"two statements are named {name}")
        found[name] = _COMMENT.sub("", body).strip().rstrip(";")
    return found


class SqlFile:
    """The statements of one file of a package, run on one of Django's connections, in its transaction if there is one."""

    def __init__(self, package: str, file: str) -> None:
        self.package = package
        self.file = file

    @cached_property
    def statements(self) -> dict[str, str]:
        return named_statements((files(self.package) / self.file).read_text())

    def fetch(self, using: str, name: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Run a statement; its rows."""
        with connections[using].cursor() as cursor:
            cursor.execute(self.statements[name], parameters or None)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def fetch_one(self, using: str, name: str, parameters: Parameters = None) -> tuple[Any, ...]:
        """The same for a statement that returns exactly one row. Raises ValueError for any other number of rows."""
        (row,) = self.fetch(using, name, parameters)
        return row

    def run(self, using: str, name: str, parameters: Parameters = None) -> int:
        """Run a statement; how many rows it touched."""
        with connections[using].cursor() as cursor:
            cursor.execute(self.statements[name], parameters or None)
            return int(cursor.rowcount)
