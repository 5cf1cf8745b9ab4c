"""Refunds, statements, codes and bundles, told of side by side, are one history again."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0013_names"), ("billing", "0022_bundles")]
    operations: list[migrations.operations.base.Operation] = []
