"""The guards of the tables, installed by the migration."""

from __future__ import annotations

from importlib.resources import files

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def install_guards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make or replace every guard. Idempotent, so that a later migration can call it again."""
    sql = (files("mutoscope.engines.solana") / "signer" / "guards.sql").read_text()
    schema_editor.execute(sql, params=None)
