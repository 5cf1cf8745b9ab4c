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
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management.base import CommandError

    from mutoscope.engines.postgres.errors import EmbeddedServerError
    from mutoscope.web.environment import WrongEnvironment

    match error:
        case Complaint():
            return error
        case WrongEnvironment() | ImproperlyConfigured():
            return SettingsComplaint(str(error))
        case EmbeddedServerError() | CommandError():
            return Complaint(str(error))
        case OSError(errno=28):
            return Complaint(f"the disk is full ({error.filename or 'while writing'}). Free some space and try again.")
    return None
