"""What can go wrong with a database server, each in words for the person who starts it; and which constraint a statement broke."""

from __future__ import annotations


class EmbeddedServerError(Exception):
    """The embedded server could not do what was asked. The message says what happened and what to do next."""


class DataFromOtherRelease(EmbeddedServerError):
    """The data directory was made by another major release of PostgreSQL, which this one cannot read."""

    def __init__(self, data: object, found: str, wanted: int) -> None:
        self.found = found
        self.wanted = wanted
        super().__init__(
            f"{data} was made by PostgreSQL {found}; this release of Mutoscope brings PostgreSQL {wanted}, which cannot "
            f"read it. Nothing was changed. With the release that made it: `mutoscope backup before.dump`. Then, with this "
            f"one: move the folder aside, and `mutoscope restore before.dump`."
        )


class DiskFull(EmbeddedServerError):
    """Too little space is left to start a server without risking its data."""


class UnreachableForServer(EmbeddedServerError):
    """Started by root, the server's own user cannot reach its folders, and no private mount could be made."""


def violated(error: Exception) -> str:
    """The name of the constraint that refused a statement, from what Django raised of it; empty where PostgreSQL names none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""
