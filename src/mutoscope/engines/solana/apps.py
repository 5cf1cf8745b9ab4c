from __future__ import annotations

from django.apps import AppConfig


class SolanaConfig(AppConfig):
    name = "mutoscope.engines.solana"
    label = "mutoscope_solana"
    verbose_name = "Solana payments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from mutoscope.engines.solana import checks

        checks.register_all()
