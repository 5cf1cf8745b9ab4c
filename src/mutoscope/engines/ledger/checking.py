"""What can be known to be wrong without asking the database, each refused by the name of the field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

BIGINT_MAX = 2**63 - 1
TEXT_LENGTH_MAX = 200
# An escape of JSON, and not the end of an escaped backslash.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# Beyond these years PostgreSQL stores moments that Python cannot read in every time zone, and one of them would stand in the ledger
# for ever. The database refuses the same (checks.sql, bulk.sql).
MOMENT_MIN = datetime(1900, 1, 1, tzinfo=UTC)
MOMENT_END = datetime(9000, 1, 1, tzinfo=UTC)
# A hundred years: what is meant to stay for ever has no expiry.
HOLD_LASTS_MAX = timedelta(days=36_525)


class InvalidTransfer(ValueError):
    """A transfer that no database needs to be asked about. `field` names what is wrong, such as `legs[1].amount`."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field} {problem}")


def check_text(field: str, value: str) -> None:
    """Raises InvalidTransfer unless this is a text of 1 to 200 characters, each of which PostgreSQL can store."""
    if type(value) is not str or not 0 < len(value) <= TEXT_LENGTH_MAX or "\0" in value:
        raise InvalidTransfer(field, f"must be a text of 1 to {TEXT_LENGTH_MAX} characters")
    if not value.isascii() and _has_half_a_character(value):
        raise InvalidTransfer(field, "has half a character (a lone surrogate), which is no text")


def _has_half_a_character(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def metadata_text(metadata: Mapping[str, Any]) -> str:
    """Metadata as JSON. Raises InvalidTransfer when it is none, or none that PostgreSQL can store."""
    if not metadata:
        return "{}"
    try:
        text = json.dumps(dict(metadata), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTransfer("metadata", f"must be JSON: {error}") from None
    # Nearly all metadata has neither, and is looked at no further.
    if "\\u0000" in text or "\\ud" in text:
        shown = json.dumps(json.loads(text), ensure_ascii=False)
        if _NUL.search(shown) or _has_half_a_character(shown):
            raise InvalidTransfer("metadata", "has a NUL or half a character (a lone surrogate), which is no text")
    return text


def check_moment(field: str, moment: datetime) -> None:
    """Raises InvalidTransfer unless this is a moment with a time zone in the years 1900 to 8999 of UTC."""
    if not isinstance(moment, datetime):
        raise InvalidTransfer(field, f"must be a datetime, not {moment!r}")
    if moment.utcoffset() is None:
        raise InvalidTransfer(field, "must have a time zone")
    if not MOMENT_MIN <= moment < MOMENT_END:
        raise InvalidTransfer(field, "must be in the years 1900 to 8999 of UTC")


def check_lasts(lasts: timedelta) -> None:
    """Raises InvalidTransfer unless this is a time that a hold may last."""
    if not isinstance(lasts, timedelta):
        raise InvalidTransfer("lasts", f"must be a timedelta, not {lasts!r}")
    if not timedelta(0) < lasts <= HOLD_LASTS_MAX:
        raise InvalidTransfer("lasts", f"must be above zero and at most {HOLD_LASTS_MAX.days} days")


def check_whole(field: str, value: int, least: int = 1, most: int = BIGINT_MAX) -> None:
    """Raises InvalidTransfer unless this is a whole number within these bounds. `type(...) is int`, because True is an int to isinstance."""
    if type(value) is not int or not least <= value <= most:
        raise InvalidTransfer(field, f"must be a whole number from {least} to {most}, not {value!r}")
