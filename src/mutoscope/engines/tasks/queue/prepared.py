"""Statements that a queue says thousands of times a second, said through libpq itself.

psycopg's cursor does much for one statement: it looks for types, waits in Python and describes the answer. Measured for a
lookup over a socket, that is 62 microseconds of CPU and 165 of time for one round trip, against 11 and 43 when libpq is
asked directly to execute what was prepared before.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

Connection = psycopg.Connection[tuple[Any, ...]]
# What a parameter may be: anything else has to be written as text first, as arrays.py does.
Value = str | int | None

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
    return b"tasks_%08x_%d" % (zlib.crc32(text), len(text)), text, tuple(names)


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
    if value is None:
        return None
    if isinstance(value, str):
        if "\x00" in value:
            raise psycopg.DataError("PostgreSQL text cannot contain the character with the number 0")
        return value.encode()
    return str(value).encode()


def _checked(answer: pq.abc.PGresult) -> pq.abc.PGresult:
    if answer.status in _ANSWERED:
        return answer
    if not answer.error_field(pq.DiagnosticField.SQLSTATE):
        # The server numbers all of its errors. This one is libpq's own: it has lost the server.
        raise psycopg.OperationalError(answer.get_error_message())
    raise error_from_result(answer)
