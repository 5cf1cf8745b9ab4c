from __future__ import annotations

from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "mutoscope.platform.support"
    label = "support"
    verbose_name = "Support"

    def ready(self) -> None:
        from mutoscope.platform.accounts.public import OPERATOR, SUPPORT, add_rights
        from mutoscope.platform.support.mail import tasks  # noqa: F401 - declares its schedule

        add_rights(OPERATOR, "support.view_mail", "support.change_mail")
        add_rights(SUPPORT, "support.view_mail")
