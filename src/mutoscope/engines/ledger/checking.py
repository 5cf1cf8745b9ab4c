"""What can be known to be wrong without asking the database, each refused by the name of the field."""

from __future__ import annotations

from datetime import UTC, datetime

BIGINT_MAX = 2**63 - 1
TEXT_LENGTH_MAX = 200
# Beyond these years PostgreSQL stores moments that Python cannot read in every time zone, and one of them would stand in the ledger
# for ever. The database refuses the same (checks.sql, bulk.sql).
MOMENT_MIN = datetime(1900, 1, 1, tzinfo=UTC)
MOMENT_END = datetime(9000, 1, 1, tzinfo=UTC)


class InvalidTransfer(ValueError):
    """A transfer that no database needs to be asked about. `field` names what is wrong, such as `legs[1].amount`."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field} {problem}")


def check_moment(field: str, moment: datetime) -> None:
    """Raises InvalidTransfer unless this is a moment with a time zone in the years 1900 to 8999 of UTC."""
    if not isinstance(moment, datetime):
        raise InvalidTransfer(field, f"must be a datetime, not {moment!r}")
    if moment.utcoffset() is None:
        raise InvalidTransfer(field, "must have a time zone")
    if not MOMENT_MIN <= moment < MOMENT_END:
        raise InvalidTransfer(field, "must be in the years 1900 to 8999 of UTC")


def check_whole(field: str, value: int, least: int = 1, most: int = BIGINT_MAX) -> None:
    """Raises InvalidTransfer unless this is a whole number within these bounds. `type(...) is int`, because True is an int to isinstance."""
    if type(value) is not int or not least <= value <= most:
        raise InvalidTransfer(field, f"must be a whole number from {least} to {most}, not {value!r}")
