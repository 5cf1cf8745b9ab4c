"""The SQL that makes a ledger, in the order it must run. Migrations and tests of mutants use the same."""

from __future__ import annotations

import re

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.exceptions import IrreversibleError

from mutoscope.engines.ledger.queries import read_sql

FUNCTIONS = (
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

_CREATED = re.compile(r"CREATE (?:OR REPLACE )?(FUNCTION|VIEW|TABLE|DOMAIN) (ledger_\w+)")


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
    """Bring functions and triggers to this release, for a later migration. Tables stay as they are, and so does a restricted role."""
    schema = current_schema(schema_editor)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'ledger_apply_posting' AND prosecdef"
            " AND pronamespace = current_schema()::regnamespace)"
        )
        restricted = bool(cursor.fetchone()[0])
    schema_editor.execute(functions_sql(schema), params=None)
    if restricted:
        # CREATE OR REPLACE forgets whose rights a function runs with. What the role is allowed, it keeps.
        schema_editor.execute(definers_sql(schema), params=None)


def current_schema(schema_editor: BaseDatabaseSchemaEditor) -> str:
    """The schema that new tables go to, quoted."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return str(cursor.fetchone()[0])


def install_sql(schema: str) -> str:
    """Everything for an empty schema."""
    return qualified(read_sql("tables.sql"), schema) + functions_sql(schema)


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
    return _CREATED.findall("\n".join(read_sql(file) for file in ("tables.sql", *FUNCTIONS)))


def remove_sql(schema: str) -> str:
    """What removes the ledger from a schema. Fails when a table of somebody else's refers to one of ours."""
    made = _created()
    # CASCADE takes what is ours only: functions that take a view's row, and the triggers of a function.
    drops = [("VIEW", " CASCADE"), ("FUNCTION", " CASCADE"), ("TABLE", ""), ("DOMAIN", "")]
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
