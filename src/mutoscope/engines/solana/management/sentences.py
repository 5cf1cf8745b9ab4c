"""What a command says where a node or the database does not answer: one sentence and exit code 1, and no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, ProgrammingError

from mutoscope.engines.solana.payments.domain.deltas import Unreadable
from mutoscope.engines.solana.rpc.errors import RpcError

# Connections that break or are refused (08), a server that stops or starts (57P), and one that is full (53300). What else a
# server says is a fault of ours or of the statement, and its traceback should be seen.
AWAY = ("08", "57P", "53300")


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """Turn what the operator can mend into a CommandError that names it. With --traceback the cause is shown as well."""
    try:
        yield
    except (RpcError, Unreadable) as error:
        raise CommandError(
            f"The chain does not answer. {error}. "
            'Look at the nodes in MUTOSCOPE_SOLANA["RPC"] and at CLUSTER, and try again: nothing is lost.'
        ) from error
    except (OperationalError, InterfaceError) as error:
        if not is_away(error):
            raise
        raise CommandError(
            f"The database does not answer: {first_line(error)}. Look at DATABASES in the settings, and whether the server runs."
        ) from error
    except ProgrammingError as error:
        if not isinstance(error.__cause__, psycopg.errors.UndefinedTable):
            raise
        raise CommandError("The tables of Solana payments are not in this database: run `migrate`.") from error


def is_away(error: Exception) -> bool:
    """Whether the database could not be reached, or went away. Where nothing came from the server there is no code."""
    code = getattr(error.__cause__ or error, "sqlstate", None)
    return code is None or str(code).startswith(AWAY)


def first_line(error: Exception) -> str:
    """What happened, without the advice that libpq adds in further lines."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(":. ") if lines else type(error).__name__
