"""Between tests that commit, the database is emptied of what was written, and of nothing else.

Django's own way, `flush`, gives each of the site's tables new files, written to or not, and then makes the content types and
rights anew: that is most of what a small test of the queue costs. What holds afterwards is the same here.
"""

from __future__ import annotations

from django.core.management import call_command
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

# What `flush` itself puts into each database: its content types, rights and roles, as a digest by table.
_refilled: dict[str, dict[str, str]] = {}


def empty_only_what_was_written() -> None:
    """From now on, instead of Django's own way."""
    TransactionTestCase._fixture_teardown = _empty  # type: ignore[attr-defined]


def _empty(case: TransactionTestCase) -> None:
    names: list[str] = case._databases_names(include_mirrors=False)  # type: ignore[attr-defined]
    for name in names:
        empty_database(name)


def empty_database(name: str) -> None:
    """Leave in this database what `flush` would leave in it."""
    if name not in _refilled or not _empty_written(name):
        call_command("flush", verbosity=0, interactive=False, database=name, reset_sequences=False)
        with connections[name].cursor() as cursor:
            _refilled[name] = _digests(cursor, _written(cursor, _tables(cursor)))


def _empty_written(name: str) -> bool:
    """Whether that was enough: it is not where a test changed what `flush` puts in."""
    with transaction.atomic(name), connections[name].cursor() as cursor:
        tables = _tables(cursor)
        # As TRUNCATE does: whoever still writes to one of them is waited for, and emptied away as well.
        cursor.execute(f"LOCK TABLE {_listed(cursor, tables)} IN ACCESS EXCLUSIVE MODE")
        refilled = _refilled[name]
        written = _written(cursor, tables)
        doomed = _with_what_refers_to(cursor, written - refilled.keys())
        if doomed & refilled.keys() or _digests(cursor, written & refilled.keys()) != refilled:
            return False
        if doomed:
            cursor.execute(f"TRUNCATE {_listed(cursor, doomed)}")
    return True


def _tables(cursor: CursorWrapper) -> set[str]:
    return set(cursor.db.introspection.django_table_names(only_existing=True, include_views=False))


def _written(cursor: CursorWrapper, tables: set[str]) -> set[str]:
    """The tables that have had rows since they were last given new files, whether they still have any or not."""
    cursor.execute(
        """
        SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace
        AND CASE relkind WHEN 'p' THEN EXISTS (SELECT FROM pg_partition_tree(oid) WHERE pg_relation_size(relid) > 0)
            ELSE pg_relation_size(oid) > 0 END
        """,
        [sorted(tables)],
    )
    return {table for (table,) in cursor.fetchall()}


def _with_what_refers_to(cursor: CursorWrapper, tables: set[str]) -> set[str]:
    """These and every table with a foreign key to one of them, near or far: TRUNCATE takes them together or not at all."""
    cursor.execute(
        """
        WITH RECURSIVE doomed (table_id) AS (
            SELECT oid FROM pg_class WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace
            UNION SELECT conrelid FROM pg_constraint JOIN doomed ON confrelid = table_id WHERE contype = 'f'
        )
        SELECT relname FROM doomed JOIN pg_class ON oid = table_id
        """,
        [sorted(tables)],
    )
    return {table for (table,) in cursor.fetchall()}


def _digests(cursor: CursorWrapper, tables: set[str]) -> dict[str, str]:
    digests = {}
    for table in sorted(tables):
        cursor.execute(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {_listed(cursor, {table})} t")
        (digests[table],) = cursor.fetchone()
    return digests


def _listed(cursor: CursorWrapper, tables: set[str]) -> str:
    return ", ".join(cursor.db.ops.quote_name(table) for table in sorted(tables))
