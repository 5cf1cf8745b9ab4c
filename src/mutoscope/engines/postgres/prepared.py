"""Statements that are said thousands of times a second, prepared and said through libpq itself.

psycopg's cursor does much for one statement: it looks for types, waits in Python and describes the answer. Measured for a
lookup over a socket, that is 62 microseconds of CPU and 165 of time for one round trip, against 11 and 43 when libpq is
asked directly to execute what was prepared before.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import connections
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

Connection = psycopg.Connection[tuple[Any, ...]]
# What a parameter may be: anything else has to be written as text first.
Value = str | int | datetime | timedelta | Sequence[int] | None

_PARAMETER = re.compile(r"%\((\w+)\)s|%%")
_ANSWERED = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class _Known:
    """What one connection has prepared, and its way of reading answers."""

    def __init__(self, connection: Connection) -> None:
        self.names: set[bytes] = set()
        self.transformer = Transformer(connection)


_KNOWN: WeakKeyDictionary[Connection, _Known] = WeakKeyDictionary()


@cache
def _translated(statement: str) -> tuple[bytes, bytes, tuple[str, ...]]:
    """The statement's name, its text with libpq's numbered parameters, and what they are called here."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    text = _PARAMETER.sub(number, statement).encode()
    return b"mutoscope_%08x_%d" % (zlib.crc32(text), len(text)), text, tuple(names)


def execute_prepared(connection: Connection, statement: str, parameters: Mapping[str, Value]) -> list[tuple[Any, ...]]:
    """One statement, prepared on this connection the first time; its rows. Not for statements that wait for locks: Python
    hears of no signal meanwhile. Raises psycopg.Error.

    Transactions are the caller's: begin none, so the connection has to be in autocommit mode or in a transaction already.
    """
    known = _KNOWN.get(connection)
    if known is None:
        known = _KNOWN[connection] = _Known(connection)
    name, text, names = _translated(statement)
    # None is NULL to libpq, which psycopg's types forget.
    values: Any = [_text(parameters[one]) for one in names]
    pgconn = connection.pgconn
    if name not in known.names:
        _checked(pgconn.prepare(name, text))
        known.names.add(name)
    try:
        answer = _checked(pgconn.exec_prepared(name, values))
    except psycopg.errors.InvalidSqlStatementName:
        # Someone said DISCARD ALL or DEALLOCATE ALL on this connection. A transaction is lost by that, a statement is not.
        known.names.clear()
        if not connection.autocommit:
            raise
        _checked(pgconn.prepare(name, text))
        known.names.add(name)
        answer = _checked(pgconn.exec_prepared(name, values))
    if not answer.ntuples:
        return []
    known.transformer.set_pgresult(answer)
    return known.transformer.load_rows(0, answer.ntuples, tuple)


def _text(value: Value) -> bytes | None:
    """As PostgreSQL reads it. An array holds numbers only."""
    if value is None:
        return None
    if isinstance(value, str):
        if "\x00" in value:
            raise psycopg.DataError("PostgreSQL text cannot contain the character with the number 0")
        return value.encode()
    if isinstance(value, timedelta):
        return b"%d days %d seconds %d microseconds" % (value.days, value.seconds, value.microseconds)
    if isinstance(value, Sequence):
        return b"{%b}" % ",".join(map(str, value)).encode()
    # Numbers, true and false, and times with their zone's offset read the same in both languages.
    return str(value).encode()


def _checked(answer: pq.abc.PGresult) -> pq.abc.PGresult:
    if answer.status in _ANSWERED:
        return answer
    if not answer.error_field(pq.DiagnosticField.SQLSTATE):
        # The server numbers all of its errors. This one is libpq's own: it has lost the server.
        raise psycopg.OperationalError(answer.get_error_message())
    raise error_from_result(answer)


# Whether each of Django's open connections goes through a pooler.
_POOLED: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def fetch_one(
    alias: str, statement: str, parameters: Mapping[str, Value], *, waits: bool = False
) -> tuple[Any, ...] | None:
    """The first row of fetch()."""
    rows = fetch(alias, statement, parameters, waits=waits)
    return rows[0] if rows else None


def fetch(alias: str, statement: str, parameters: Mapping[str, Value], *, waits: bool = False) -> list[tuple[Any, ...]]:
    """Execute on Django's own connection, in its transaction, prepared where that is possible; the rows.

    Django binds parameters on its own side and never prepares, because a transaction pooler may not allow it. Enqueueing
    one task, or a click that unlocks a film, spends more time on being planned than on being done, so without a pooler
    the server's own way is taken. Types are then the server's to infer, as from `%(name)s::interval`. Whoever counts or wraps queries sees them as always. A statement that `waits` for locks goes Django's way, because
    Ctrl-C is heard there.
    """
    connection: Any = connections[alias]
    if waits or connection.queries_logged or connection.execute_wrappers:
        return _fetch_by_django(connection, statement, parameters)
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    connection.validate_thread_sharing()
    raw = connection.connection
    pooled = _POOLED.get(raw)
    if pooled is None:
        process_id = _fetch_by_django(connection, "SELECT pg_backend_pid()", {})[0][0]
        pooled = _POOLED[raw] = process_id != raw.info.backend_pid
    if pooled or not _may_prepare(raw):
        return _fetch_by_django(connection, statement, parameters)
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        return execute_prepared(raw, statement, parameters)


def _may_prepare(raw: psycopg.Connection[Any]) -> bool:
    """Whether statements may be prepared behind psycopg's back.

    Where it prepares too, it drops everybody's with DEALLOCATE ALL after a rollback; before the first statement of a
    transaction it has a BEGIN to send; in a pipeline answers come later.
    """
    status = raw.pgconn.transaction_status
    begun = status == pq.TransactionStatus.INTRANS or (raw.autocommit and status == pq.TransactionStatus.IDLE)
    return begun and raw.prepare_threshold is None and raw.pgconn.pipeline_status == pq.PipelineStatus.OFF


def _fetch_by_django(connection: Any, statement: str, parameters: Mapping[str, Value]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, dict(parameters) or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return rows
