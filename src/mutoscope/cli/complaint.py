"""Which exceptions are news for the person at the keyboard rather than bugs, and what they are told."""

from __future__ import annotations


class Complaint(Exception):
    """Something the person can mend. The message says what happened and what to do next."""

    exit_code = 1


class SettingsComplaint(Complaint):
    """What the person set, or typed, is the problem."""

    exit_code = 2


def explain(error: Exception) -> Complaint | None:
    """The complaint to show for an exception, or None when it is a bug and its traceback should be seen."""
    import psycopg
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management.base import CommandError
    from django.db import OperationalError

    from mutoscope.engines.postgres.errors import EmbeddedServerError
    from mutoscope.engines.solana.signer.vault import VaultRefused
    from mutoscope.web.environment import WrongEnvironment

    match error:
        case Complaint():
            return error
        case WrongEnvironment() | ImproperlyConfigured():
            return SettingsComplaint(str(error))
        case EmbeddedServerError() | CommandError():
            return Complaint(str(error))
        case OperationalError() | psycopg.OperationalError() if _is_no_answer(error):
            return database_away(error)
        case VaultRefused():
            return Complaint(
                f"{error} The signer's folder belongs to one site: after a restore copy it from where the backup was made, "
                "with its rights. docs/operations.md lists what is not in a backup."
            )
        case OSError(errno=28):
            return Complaint(f"the disk is full ({error.filename or 'while writing'}). Free some space and try again.")
    return None


def database_away(error: Exception) -> Complaint:
    """What to say where a connection to the database fails."""
    return Complaint(
        f"the database does not answer: {str(error).strip().splitlines()[0]}. "
        "Check DATABASE_URL and DATABASE_DIRECT_URL, and that the server runs."
    )


def _is_no_answer(error: Exception) -> bool:
    """Whether nothing came from the server: what it says itself has a code, and is a bug of ours or of the statement."""
    # Django's stands around psycopg's.
    return getattr(error.__cause__ or error, "sqlstate", None) is None
