"""A sub-balance is checked by a trigger of its own when it is new, so that credits are one statement in each case."""

from __future__ import annotations

from typing import ClassVar

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from mutoscope.engines.ledger.installation import replace_functions


def bring_to_this_release(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    replace_functions(schema_editor)
    schema_editor.execute("DROP FUNCTION IF EXISTS ledger_come_in_first(ledger_posting, integer, text)", params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0001_initial")]
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.RunPython(bring_to_this_release, migrations.RunPython.noop),
    ]
