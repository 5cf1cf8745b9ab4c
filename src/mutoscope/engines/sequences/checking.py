"""What no database needs to be asked about."""

from __future__ import annotations

import re

NAME_LENGTH_MAX = 100
# NUL, and half a character: Python has them in a str, PostgreSQL has not.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def check_name(field: str, value: str, *, may_be_empty: bool = False) -> None:
    """Raises ValueError unless this is a text that the tables can hold."""
    least = 0 if may_be_empty else 1
    if type(value) is not str or not least <= len(value) <= NAME_LENGTH_MAX or _NO_TEXT.search(value):
        raise ValueError(f"{field} must be a text of {least} to {NAME_LENGTH_MAX} characters, not {value!r}")


def check_whole(**values: int) -> None:
    """Raises ValueError unless each is a whole number. `type(...) is int`, because True is an int to isinstance."""
    for field, value in values.items():
        if type(value) is not int:
            raise ValueError(f"{field} must be a whole number, not {value!r}")


def series_text(series: object) -> str:
    """A series as the table holds it. Raises ValueError for anything but a text or a whole number."""
    if isinstance(series, bool) or not isinstance(series, str | int):
        raise ValueError(f"series must be a text or a whole number, not {series!r}")
    text = str(series)
    check_name("series", text, may_be_empty=True)
    return text
