from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

from mutoscope.engines.ledger.checks import check_database


class LedgerConfig(AppConfig):
    name = "mutoscope.engines.ledger"
    label = "ledger"
    verbose_name = "Ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_database)
