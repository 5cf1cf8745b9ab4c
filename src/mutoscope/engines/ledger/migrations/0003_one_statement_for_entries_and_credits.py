"""Entries and credits are one statement, and a new sub-balance is guarded by the trigger that checks it."""

from __future__ import annotations

from typing import ClassVar

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from mutoscope.engines.ledger.installation import replace_functions


def bring_to_this_release(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    replace_functions(schema_editor)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0002_checked_sub_balances")]
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.RunPython(bring_to_this_release, migrations.RunPython.noop),
    ]
