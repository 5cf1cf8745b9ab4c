"""Payments have their legs in columns with an index each, and no entries beside them. Carries an earlier ledger over, whole."""

from __future__ import annotations

from typing import ClassVar

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from mutoscope.engines.ledger.installation import replace_functions


def bring_to_this_release(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    replace_functions(schema_editor)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0005_moments_that_can_be_read")]
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.RunPython(bring_to_this_release, migrations.RunPython.noop),
    ]
