"""Statements that are said thousands of times a second, said through libpq itself on Django's own connection.

psycopg's cursor does much for one statement: it looks for types, describes the answer, waits in a generator. For a round trip of
100 microseconds that is as much again. Django also plans each statement anew, because behind a transaction pooler nothing can be
prepared. Here a statement is prepared once for each connection, where that is possible, and goes Django's way where it is not.
"""

from __future__ import annotations

import re
import select
import zlib
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import connections
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

# What a parameter may be; anything else has to be written as text first, an array as PostgreSQL writes it.
Value = str | int | None
Rows = list[tuple[Any, ...]]

_ANSWERED = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_PLACE = re.compile(r"%s|%%")


class _Known:
    """What one connection has prepared, its way of reading answers, and whether a pooler stands before the server."""

    def __init__(self, connection: Any) -> None:
        self.names: set[bytes] = set()
        self.transformer = Transformer(connection.connection)
        process_id = _by_django(connection, "SELECT pg_backend_pid()", ())[0][0]
        # A pooler invents the process id that it tells its clients.
        self.pooled = process_id != connection.connection.info.backend_pid


_KNOWN: WeakKeyDictionary[Any, _Known] = WeakKeyDictionary()


def fetch_prepared(using: str, statement: str, values: tuple[Value, ...]) -> Rows:
    """Run a statement with `%s` for each of the values, in the caller's transaction if there is one. Returns its rows.

    Raises what Django's cursor would raise. Whoever counts or wraps Django's queries sees these too.
    """
    connection: Any = connections[using]
    if connection.queries_logged or connection.execute_wrappers:
        return _by_django(connection, statement, values)
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    connection.validate_thread_sharing()
    raw = connection.connection
    known = _KNOWN.get(raw)
    if known is None:
        known = _KNOWN[raw] = _Known(connection)
    if known.pooled or not _may_prepare(raw):
        return _by_django(connection, statement, values)
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        if not raw.autocommit and raw.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            _checked(raw.pgconn.exec_(b"BEGIN"))  # which psycopg leaves to the first statement
        return _execute(raw, known, statement, values)


def _by_django(connection: Any, statement: str, values: tuple[Value, ...]) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        rows: Rows = cursor.fetchall()
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
def _numbered(statement: str) -> tuple[bytes, bytes]:
    """The statement's name, and its text with libpq's numbered parameters."""
    number = 0

    def place(found: re.Match[str]) -> str:
        nonlocal number
        if found[0] == "%%":
            return "%"
        number += 1
        return f"${number}"

    text = _PLACE.sub(place, statement).encode()
    return b"said_%08x_%d" % (zlib.crc32(text), len(text)), text


def _execute(raw: psycopg.Connection[Any], known: _Known, statement: str, values: tuple[Value, ...]) -> Rows:
    name, text = _numbered(statement)
    written: Any = [_text(value) for value in values]
    if name not in known.names:
        _checked(raw.pgconn.prepare(name, text))
        known.names.add(name)
    raw.pgconn.send_query_prepared(name, written)
    answer = _answer(raw.pgconn)
    if answer.error_field(pq.DiagnosticField.SQLSTATE) == b"26000":
        # Someone said DISCARD ALL or DEALLOCATE ALL on this connection. A transaction is lost by that, a statement is not.
        known.names.clear()
        if raw.autocommit:
            return _execute(raw, known, statement, values)
    _checked(answer)
    if not answer.ntuples:
        return []
    known.transformer.set_pgresult(answer)
    return known.transformer.load_rows(0, answer.ntuples, tuple)


def _answer(pgconn: pq.abc.PGconn) -> pq.abc.PGresult:
    """Wait for the one answer, so that Ctrl-C is heard: the statement is then cancelled, and the connection is as before."""
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
    while pgconn.get_result() is not None:
        pass
    return answer


def _text(value: Value) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        if "\x00" in value:
            raise psycopg.DataError("PostgreSQL text cannot contain the character with the number 0")
        return value.encode()
    return b"%d" % value


def _checked(answer: pq.abc.PGresult) -> pq.abc.PGresult:
    if answer.status in _ANSWERED:
        return answer
    if not answer.error_field(pq.DiagnosticField.SQLSTATE):
        # The server numbers all of its errors. This one is libpq's own: it has lost the server.
        raise psycopg.OperationalError(answer.get_error_message())
    raise error_from_result(answer)
