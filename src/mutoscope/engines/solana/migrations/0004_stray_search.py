"""When each payment is next searched for money that its accounts do not show. Payments of before are searched once, now."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def search_them_all(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    payments = apps.get_model(settings.MUTOSCOPE_SOLANA_PAYMENT_MODEL)
    into = apps.get_model("mutoscope_solana", "StraySearch")._meta.db_table
    # Names of our own tables.
    statement = f"INSERT INTO {into} (payment_id, due_at) SELECT id, expires_at FROM {payments._meta.db_table}"  # noqa: S608
    schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("mutoscope_solana", "0003_wallets_and_signer")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="StraySearch",
            fields=[
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="stray_search",
                        serialize=False,
                        to=settings.MUTOSCOPE_SOLANA_PAYMENT_MODEL,
                    ),
                ),
                ("due_at", models.DateTimeField(db_index=True)),
                ("searched_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RunPython(search_them_all, migrations.RunPython.noop),
    ]
