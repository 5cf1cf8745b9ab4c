"""SQL by name: a `.sql` file holds several statements, each under a line `-- name: its_name`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


@cache
def statements(path: Path) -> dict[str, str]:
    """Every statement of the file by its name, without comments. Raises ValueError when two share a name."""
    parts = _NAME.split(path.read_text())
    found: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in found:
            raise ValueError(f"{path} has two statements named {name}")
        found[name] = _COMMENT.sub("", body).strip().rstrip(";")
    return found
