"""Staff roles: Django groups whose rights are written in code, and put into the database after each migration."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission

OPERATOR = "operator"
SUPPORT = "support"

# Permissions as app_label.codename. A role also needs `is_staff` to enter /operator/.
# An operator runs the site but cannot make operators: only a superuser gives roles and staff rights (accounts/admin.py).
_rights: dict[str, set[str]] = {
    OPERATOR: {
        "accounts.view_person",
        "accounts.change_person",
        "accounts.view_channel",
        "accounts.change_channel",
        "account.view_emailaddress",
    },
    SUPPORT: {"accounts.view_person", "accounts.view_channel", "account.view_emailaddress"},
}


def add_rights(role: str, *rights: str) -> None:
    """Let a context above this one say what the role may do with its tables; called when its app is ready."""
    _rights[role].update(rights)


def grant_rights(sender: Any, using: str = "default", **_: Any) -> None:
    """Give each role exactly its rights. Runs after migrations, and is safe to run again."""
    # Django makes each app's permissions at this same signal, app by app: only after the last one are all of them there.
    with_tables = [config for config in apps.get_app_configs() if config.models_module is not None]
    if sender is not with_tables[-1]:
        return
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.using(using).select_related("content_type")
    }
    for role, rights in _rights.items():
        group, _created = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set([known[right] for right in sorted(rights)])
