from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "mutoscope.web"
    label = "web"
    verbose_name = "Site"

    def ready(self) -> None:
        from mutoscope.web import checks, housekeeping  # noqa: F401 - registers findings and schedules
        from mutoscope.web.roles import give_rights
        from mutoscope.web.wiring import plug

        plug()
        give_rights()
