"""SQL by name: a `.sql` file holds several statements, each under a line `-- name: its_name`."""

from __future__ import annotations

import re
from functools import cached_property
from importlib.resources import files
from typing import Any

from django.db import connections

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class SqlFile:
    """The statements of one file of this engine, run on one of Django's connections, in its transaction if there is one."""

    def __init__(self, file: str) -> None:
        self.file = file

    @cached_property
    def statements(self) -> dict[str, str]:
        """Every statement by its name, without comments."""
        text = (files("mutoscope.engines.solana") / self.file).read_text()
        _, *parts = _NAME.split(text)
        return {
            name: "\n".join(line for line in body.strip().splitlines() if not line.startswith("--"))
            for name, body in zip(parts[::2], parts[1::2], strict=True)
        }

    def fetch(self, using: str, name: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement; its rows."""
        with connections[using].cursor() as cursor:
            cursor.execute(self.statements[name], parameters or None)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def run(self, using: str, name: str, parameters: dict[str, Any] | None = None) -> int:
        """Run a statement; how many rows it touched."""
        with connections[using].cursor() as cursor:
            cursor.execute(self.statements[name], parameters or None)
            return int(cursor.rowcount)
