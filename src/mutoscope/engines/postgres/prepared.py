"""Statements that are said thousands of times a second, prepared once for each connection and said through libpq itself.

psycopg's cursor does much for one statement: it looks for types, waits in Python and describes the answer. Measured for a
lookup over a socket, that is 62 microseconds of CPU and 165 of time for one round trip, against 11 and 43 when libpq is
asked directly to execute what was prepared before. Django also plans each statement anew, because behind a transaction
pooler nothing can be prepared. Here that is done where it is possible, and goes Django's way where it is not.
"""

from __future__ import annotations

import re
import select
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
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
# What a parameter may be: anything else has to be written as text first, an array as PostgreSQL writes it.
Value = str | int | datetime | timedelta | Sequence[int] | None
# For a statement with `%(name)s`, or for one with `%s`.
Parameters = Mapping[str, Value] | tuple[Value, ...]
Rows = list[tuple[Any, ...]]
_Wait = Callable[[pq.abc.PGconn, bytes, Any], pq.abc.PGresult]

_PARAMETER = re.compile(r"%\((\w+)\)s|%s|%%")
_ANSWERED = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_NO_SUCH_STATEMENT = b"26000"


def execute_prepared(connection: Connection, statement: str, parameters: Parameters) -> Rows:
    """One statement on a connection of one's own; its rows. Not for statements that wait for locks: Python hears of no
    signal meanwhile. Raises psycopg.Error.

    Transactions are the caller's: begin none, so the connection has to be in autocommit mode or in a transaction already.
    """
    return _execute(connection, statement, parameters, _at_once)


def fetch_prepared(using: str, statement: str, parameters: Parameters, *, waits: bool = True) -> Rows:
    """One statement on Django's own connection, in the caller's transaction if there is one; its rows. Types are the
    server's to infer, as from `%(name)s::interval`.

    Raises what Django's cursor would raise. Whoever counts or wraps Django's queries sees these too. A statement that is
    known never to wait for a lock (`waits=False`) is a few microseconds quicker, and Ctrl-C has to wait for it. Only the main
    thread hears signals, so a web server's never pay for that.
    """
    connection: Any = connections[using]
    if connection.queries_logged or connection.execute_wrappers:
        return _by_django(connection, statement, parameters)
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    connection.validate_thread_sharing()
    raw = connection.connection
    pooled = _POOLED.get(raw)
    if pooled is None:
        process_id = _by_django(connection, "SELECT pg_backend_pid()", ())[0][0]
        # A pooler invents the process id that it tells its clients.
        pooled = _POOLED[raw] = process_id != raw.info.backend_pid
    if pooled or not _may_prepare(raw):
        return _by_django(connection, statement, parameters)
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        if not raw.autocommit and raw.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            # psycopg leaves it to the first statement.
            _checked(raw.pgconn.exec_(b"BEGIN"))
        hears = waits and threading.current_thread() is threading.main_thread()
        return _execute(raw, statement, parameters, _hearing_signals if hears else _at_once)


class _Known:
    """What one connection has prepared, and its way of reading answers."""

    def __init__(self, connection: Connection) -> None:
        self.names: set[bytes] = set()
        self.transformer = Transformer(connection)


_KNOWN: WeakKeyDictionary[Connection, _Known] = WeakKeyDictionary()
# Whether a pooler stands between each of Django's open connections and the server.
_POOLED: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def _by_django(connection: Any, statement: str, parameters: Parameters) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        rows: Rows = cursor.fetchall() if cursor.description else []
        return rows


def _may_prepare(raw: psycopg.Connection[Any]) -> bool:
    """Whether statements may be prepared behind psycopg's back.

    Where it prepares too, it drops everybody's with DEALLOCATE ALL after a rollback; its BEGIN may be a special one; in a
    pipeline answers come later.
    """
    status = raw.pgconn.transaction_status
    plain = raw.isolation_level is None and raw.read_only is None and raw.deferrable is None
    ready = status == pq.TransactionStatus.INTRANS or (
        status == pq.TransactionStatus.IDLE and (raw.autocommit or plain)
    )
    return ready and raw.prepare_threshold is None and raw.pgconn.pipeline_status == pq.PipelineStatus.OFF


@cache
def translated(statement: str) -> tuple[bytes, bytes, tuple[str, ...]]:
    """The statement's name, its text with libpq's numbered parameters, and what they are called here, if they have names."""
    names: list[str] = []
    places = 0

    def number(found: re.Match[str]) -> str:
        nonlocal places
        if found[0] == "%%":
            return "%"
        name = found[1]
        if name is None:
            places += 1
            return f"${places}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    text = _PARAMETER.sub(number, statement).encode()
    return b"said_%08x_%d" % (zlib.crc32(text), len(text)), text, tuple(names)


def _execute(raw: Connection, statement: str, parameters: Parameters, wait: _Wait) -> Rows:
    known = _KNOWN.get(raw)
    if known is None:
        known = _KNOWN[raw] = _Known(raw)
    name, text, names = translated(statement)
    given = parameters if isinstance(parameters, tuple) else [parameters[one] for one in names]
    # None is NULL to libpq, which psycopg's types forget.
    values: Any = [_text(one) for one in given]
    if name not in known.names:
        _checked(raw.pgconn.prepare(name, text))
        known.names.add(name)
    answer = wait(raw.pgconn, name, values)
    if answer.error_field(pq.DiagnosticField.SQLSTATE) == _NO_SUCH_STATEMENT:
        # Someone said DISCARD ALL or DEALLOCATE ALL on this connection. A transaction is lost by that, a statement is not.
        known.names.clear()
        if raw.autocommit:
            return _execute(raw, statement, parameters, wait)
    _checked(answer)
    if not answer.ntuples:
        return []
    known.transformer.set_pgresult(answer)
    return known.transformer.load_rows(0, answer.ntuples, tuple)


def _at_once(pgconn: pq.abc.PGconn, name: bytes, values: Any) -> pq.abc.PGresult:
    return pgconn.exec_prepared(name, values)


def _hearing_signals(pgconn: pq.abc.PGconn, name: bytes, values: Any) -> pq.abc.PGresult:
    """Wait for the one answer, so that Ctrl-C is heard: the statement is then cancelled, and the connection is as before."""
    pgconn.send_query_prepared(name, values)
    try:
        while pgconn.flush():
            select.select([pgconn.socket], [pgconn.socket], [])
            pgconn.consume_input()
        waiting = select.poll()
        waiting.register(pgconn.socket, select.POLLIN)
        while pgconn.is_busy():
            waiting.poll()
            pgconn.consume_input()
    except psycopg.Error:
        raise
    except BaseException:
        pgconn.get_cancel().cancel()
        while pgconn.get_result() is not None:
            pass
        raise
    answer = pgconn.get_result()
    if answer is None:
        raise psycopg.OperationalError("the connection was lost before the statement was answered")
    # Without a transaction the server sends the rows ahead of its commit, when it is stopped in between: only the end of
    # the exchange says that they hold, so its last word counts.
    while (later := pgconn.get_result()) is not None:
        answer = later
    return answer


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
