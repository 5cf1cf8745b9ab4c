"""Arrays as PostgreSQL writes them. psycopg adapts element by element, which for thousands a round trip costs more than the
round trip."""

from __future__ import annotations

from collections.abc import Iterable


def numbers(values: Iterable[int | float]) -> str:
    """Numbers as an array literal."""
    return "{" + ",".join(map(str, values)) + "}"


def texts(values: Iterable[str | None]) -> str:
    """Texts as an array literal; None is NULL."""
    return "{" + ",".join("NULL" if value is None else _quoted(value) for value in values) + "}"


def _quoted(value: str) -> str:
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if '"' in value:
        value = value.replace('"', '\\"')
    return f'"{value}"'
