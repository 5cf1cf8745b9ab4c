"""Triggers that keep transfers and prices as they were written (payments/guards.sql)."""

from __future__ import annotations

from importlib.resources import files
from typing import ClassVar

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute((files("mutoscope.engines.solana.payments") / "guards.sql").read_text(), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("mutoscope_solana", "0001_records")]
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.RunPython(install, migrations.RunPython.noop)
    ]
