"""The engine's SQL by name, out of the `.sql` file beside whoever runs it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mutoscope.engines.postgres.named_sql import named_statements


@cache
def statements(path: Path) -> dict[str, str]:
    """Every statement of the file by its name, without comments."""
    return named_statements(path.read_text())
