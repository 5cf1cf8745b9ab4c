"""The ledger's tables, guards and functions: all of them SQL, read from the files in sql/.

The models are unmanaged. Django reads through them, and never creates, alters or empties their tables.
"""

from __future__ import annotations

from typing import ClassVar

from django.apps.registry import Apps
from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from mutoscope.engines.ledger.installation import install, remove


def make_ledger(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    install(schema_editor)


def remove_ledger(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    remove(schema_editor)


def unmanaged(name: str, table: str, **fields: models.Field) -> migrations.CreateModel:
    return migrations.CreateModel(name=name, fields=list(fields.items()), options={"db_table": table, "managed": False})


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.RunPython(make_ledger, remove_ledger),
        unmanaged(
            "Account",
            "ledger_account",
            id=models.BigAutoField(primary_key=True),
            owner=models.TextField(),
            kind=models.TextField(),
            currency=models.TextField(),
            may_go_negative=models.BooleanField(),
            opened_at=models.DateTimeField(),
        ),
        unmanaged(
            "Transfer",
            "ledger_transfer",
            id=models.BigAutoField(primary_key=True),
            recorded_at=models.DateTimeField(),
            effective_at=models.DateTimeField(null=True),
            expires_at=models.DateTimeField(null=True),
            refers_to=models.BigIntegerField(null=True),
            link_id=models.BigIntegerField(null=True),
            kind=models.TextField(),
            key=models.TextField(unique=True),
            accounts=ArrayField(models.BigIntegerField()),
            amounts=ArrayField(models.BigIntegerField()),
            metadata=models.JSONField(),
        ),
        unmanaged(
            "Seal",
            "ledger_seal",
            number=models.BigIntegerField(primary_key=True),
            first_id=models.BigIntegerField(),
            through_id=models.BigIntegerField(),
            transfers=models.BigIntegerField(),
            recorded_from=models.DateTimeField(),
            recorded_until=models.DateTimeField(),
            sealed_at=models.DateTimeField(),
            snapshot=models.BooleanField(),
            previous_hash=models.BinaryField(),
            hash=models.BinaryField(),
        ),
    ]
