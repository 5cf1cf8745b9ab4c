from __future__ import annotations

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "mutoscope.platform.analytics"
    label = "analytics"
    verbose_name = "Analytics"

    def ready(self) -> None:
        from mutoscope.platform.analytics.rollup import tasks  # noqa: F401 - declares its schedule
