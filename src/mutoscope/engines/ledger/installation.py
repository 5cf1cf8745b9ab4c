"""The SQL that makes a ledger, in the order it must run. Migrations and tests of mutants use the same."""

from __future__ import annotations

import random
import re
import time

from django.db import OperationalError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.exceptions import IrreversibleError
from psycopg.errors import LockNotAvailable

from mutoscope.engines.ledger.queries import PACKAGE, read_sql
from mutoscope.engines.postgres.named_sql import SqlFile

CARRY_OVER = SqlFile(PACKAGE, "sql/carry_over.sql")
TABLES = ("tables.sql", "journal.sql")
FUNCTIONS = (
    "views.sql",
    "guards.sql",
    "door.sql",
    "general.sql",
    "checks.sql",
    "posting.sql",
    "references.sql",
    "bulk.sql",
    "accounts.sql",
    "sealing.sql",
)

# Below PostgreSQL's deadlock_timeout, so that a migration gives way before it is found to be in one.
LOCK_MS = 300
LOCK_TRIES = 150
DOORS = ("ledger_payment", "ledger_posting", "ledger_batch", "ledger_opening", "ledger_sealing")
_LOCKABLE = """
SELECT c.oid::regclass::text FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v') AND c.relname = ANY (%s) ORDER BY c.relname
"""
_RESTRICTED = "FROM pg_proc WHERE proname = 'ledger_apply_posting' AND prosecdef AND pronamespace = current_schema()::regnamespace"
_BEFORE_THE_JOURNAL = "FROM pg_class WHERE relname = 'ledger_transfer' AND relkind = 'r' AND relnamespace = current_schema()::regnamespace"
_CREATED = re.compile(r"CREATE (?:OR REPLACE )?(FUNCTION|VIEW|TABLE|TYPE|DOMAIN) (ledger_\w+)")


def install(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the ledger in the connection's current schema."""
    schema_editor.execute(install_sql(current_schema(schema_editor)), params=None)


def remove(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Undo `install` where nothing was posted yet. Raises IrreversibleError where something was."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM ledger_transfer)")
        used = bool(cursor.fetchone()[0])
    if used:
        raise IrreversibleError(
            "The ledger has transfers, and no migration removes those. To give up all that it holds: `manage.py ledger export`, then "
            "run by hand, as the tables' owner, the SQL that mutoscope.engines.ledger.installation.remove_sql('public') returns."
        )
    schema_editor.execute(remove_sql(current_schema(schema_editor)), params=None)


def replace_functions(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Bring a ledger to this release, for a later migration: functions and triggers, and its transfers to the journal if they are not there.

    A restricted role keeps what it was allowed.
    """
    schema = current_schema(schema_editor)
    _lock(schema_editor)
    restricted, before_the_journal = _found(schema_editor, _RESTRICTED), _found(schema_editor, _BEFORE_THE_JOURNAL)
    if before_the_journal:
        steps = [
            CARRY_OVER.statements["set_aside"],
            read_sql("journal.sql"),
            read_sql("views.sql"),
            CARRY_OVER.statements["carry_over"],
        ]
        schema_editor.execute(qualified(";\n".join(steps), schema), params=None)
    schema_editor.execute(functions_sql(schema), params=None)
    if before_the_journal:
        schema_editor.execute(qualified(CARRY_OVER.statements["allow_as_before"], schema), params=None)
    if restricted:
        # CREATE OR REPLACE forgets whose rights a function runs with.
        schema_editor.execute(definers_sql(schema), params=None)


def _lock(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Have the ledger to oneself until the migration ends. Raises OperationalError where others do not let go of it for a minute.

    All of it or nothing, again and again: whoever waits for one table while holding another, for longer than a moment, is what a posting
    waits for that holds the one and needs the other.
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_LOCKABLE, [[name for _, name in _created()]])
        names = [str(name) for (name,) in cursor.fetchall()]
        for number in range(LOCK_TRIES):
            try:
                with transaction.atomic(using=schema_editor.connection.alias):
                    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_MS}ms'")
                    cursor.execute(
                        f"LOCK TABLE {', '.join(_as_others_take_them(names, number))} IN ACCESS EXCLUSIVE MODE"
                    )
                    cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
                    return
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable) or number == LOCK_TRIES - 1:
                    raise
                time.sleep(LOCK_MS / 2000)


def _as_others_take_them(names: list[str], number: int) -> list[str]:
    """An order in which a transaction may take them that posts: doors before tables, some door before another, a transfer it refers to
    before all. Which of them those do that are under way is not known, so each try has another."""
    doors = [name for name in names if name.split(".")[-1] in DOORS]
    random.shuffle(doors)
    first = [name for name in names if number % 2 and name.split(".")[-1] in ("ledger_journal", "ledger_transfer")]
    return [*first, *doors, *(name for name in names if name not in doors and name not in first)]


def _found(schema_editor: BaseDatabaseSchemaEditor, what: str) -> bool:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT {what})")
        return bool(cursor.fetchone()[0])


def current_schema(schema_editor: BaseDatabaseSchemaEditor) -> str:
    """The schema that new tables go to, quoted."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return str(cursor.fetchone()[0])


def install_sql(schema: str) -> str:
    """Everything for an empty schema."""
    return tables_sql(schema) + functions_sql(schema)


def tables_sql(schema: str) -> str:
    """Tables and types alone."""
    return qualified("\n".join(read_sql(file) for file in TABLES), schema)


def functions_sql(schema: str) -> str:
    """Functions and triggers. They replace earlier ones."""
    return qualified("\n".join(read_sql(file) for file in FUNCTIONS), schema)


def qualified(sql: str, schema: str) -> str:
    """The same SQL with the schema before each of our tables and functions.

    So that a function means our tables wherever it is called from: a temporary table of the same name cannot stand in for
    one. `SET search_path` on each function would do it as well, and costs each call.
    """
    names = "|".join(sorted({name for _, name in _created()}, key=len, reverse=True))
    # Not inside quotes, where a name is a message or a constraint's table.
    return re.sub(rf"(?<!['\w.])({names})(?![\w'])", rf"{schema}.\1", sql)


def _created() -> list[tuple[str, str]]:
    """Everything that the SQL makes, by kind and name. Triggers go with their tables."""
    return _CREATED.findall("\n".join(read_sql(file) for file in (*TABLES, *FUNCTIONS)))


def remove_sql(schema: str) -> str:
    """What removes the ledger from a schema. Fails when a table of somebody else's refers to one of ours."""
    made = _created()
    # CASCADE takes what is ours only: functions that take a view's row, and the triggers of a function.
    drops = [("VIEW", " CASCADE"), ("FUNCTION", " CASCADE"), ("TABLE", ""), ("TYPE", ""), ("DOMAIN", "")]
    return "\n".join(
        f"DROP {kind} IF EXISTS {schema}.{name}{cascade};"
        for kind, cascade in drops
        for made_kind, name in made
        if made_kind == kind
    )


def definers_sql(schema: str) -> str:
    """The part of restrict.sql that makes functions run with their owner's rights."""
    lines = qualified(read_sql("restrict.sql"), schema).replace("{schema}", schema).splitlines()
    return "\n".join(line for line in lines if line.startswith("ALTER FUNCTION"))


def restrict_sql(schema: str, role: str) -> str:
    """What lets `role` post and look, and touch no table. Both names quoted."""
    return qualified(read_sql("restrict.sql"), schema).replace("{schema}", schema).replace("{role}", role)
