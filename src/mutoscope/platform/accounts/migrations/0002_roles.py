"""The groups behind the staff roles. What each may do is put in after migrating (accounts/roles.py)."""

from __future__ import annotations

from django.db import migrations

ROLES = ("operator", "support")


def create(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for role in ROLES:
        group.objects.using(schema_editor.connection.alias).get_or_create(name=role)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
