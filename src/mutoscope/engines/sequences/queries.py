"""The named queries of queries.sql."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> str:
    """The text of one query, without comments."""
    text = (files("mutoscope.engines.sequences") / "queries.sql").read_text()
    _, *parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    found = dict(zip(parts[::2], parts[1::2], strict=True))[name]
    return "\n".join(line for line in found.strip().splitlines() if not line.startswith("--"))
