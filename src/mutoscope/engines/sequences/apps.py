from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

from mutoscope.engines.sequences.checks import check_database


class SequencesConfig(AppConfig):
    name = "mutoscope.engines.sequences"
    label = "sequences"
    verbose_name = "Sequences"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_database)
