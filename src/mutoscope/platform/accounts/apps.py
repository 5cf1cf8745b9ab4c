from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "mutoscope.platform.accounts"
    label = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        from mutoscope.platform.accounts.closing import tasks  # noqa: F401 - declares its schedule
        from mutoscope.platform.accounts.roles import grant_rights

        post_migrate.connect(grant_rights, dispatch_uid="accounts.roles")
