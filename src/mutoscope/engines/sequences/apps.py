from __future__ import annotations

from django.apps import AppConfig


class SequencesConfig(AppConfig):
    name = "mutoscope.engines.sequences"
    label = "sequences"
    verbose_name = "Sequences"
    default_auto_field = "django.db.models.BigAutoField"
