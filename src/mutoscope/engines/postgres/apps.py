from __future__ import annotations

from django.apps import AppConfig


class PostgresConfig(AppConfig):
    name = "mutoscope.engines.postgres"
    # Not "postgres": django.contrib.postgres has that label, and a project may want both.
    label = "mutoscope_postgres"
    verbose_name = "PostgreSQL"
