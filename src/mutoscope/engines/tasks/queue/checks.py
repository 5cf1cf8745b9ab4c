"""What `manage.py check` says of TASKS. Registered by the app: the tasks API asks backends only where it is an app itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router

from mutoscope.engines.tasks.compat import task_backends
from mutoscope.engines.tasks.queue.backend import PostgresBackend


def check_tasks(**_: Any) -> list[checks.CheckMessage]:
    """Errors in TASKS, and in where the tables are to be made. Connects to nothing."""
    return [*_check_backends(), *_check_migrations()]


def _check_backends() -> Iterator[checks.CheckMessage]:
    for alias in getattr(settings, "TASKS", {}):
        try:
            backend = task_backends[alias]
            if not isinstance(backend, PostgresBackend):
                continue
            configuration = backend.configuration
        except ImproperlyConfigured as error:
            yield checks.Error(
                f"TASKS['{alias}']: {error}", hint="docs/tasks.md has the table of OPTIONS.", id="tasks.E002"
            )
            continue
        for database in sorted({configuration.database, configuration.direct}):
            if not _is_postgresql(database):
                yield checks.Error(
                    f"TASKS['{alias}'] needs PostgreSQL at DATABASES['{database}'].",
                    hint="Set OPTIONS['DATABASE'] and OPTIONS['DIRECT'] to aliases of a PostgreSQL database.",
                    id="tasks.E001",
                )


def _check_migrations() -> Iterator[checks.CheckMessage]:
    label = apps.get_containing_app_config(__name__).label  # type: ignore[union-attr]
    if not _is_postgresql(DEFAULT_DB_ALIAS) and router.allow_migrate(DEFAULT_DB_ALIAS, label):
        yield checks.Error(
            "The tables of mutoscope.engines.tasks need PostgreSQL, and `migrate` would make them in "
            f"DATABASES['{DEFAULT_DB_ALIAS}'], which is another database.",
            hint=f"Use PostgreSQL there, or a database router whose allow_migrate sends {label!r} elsewhere.",
            id="tasks.E003",
        )


def _is_postgresql(alias: str) -> bool:
    return alias in connections.settings and connections[alias].vendor == "postgresql"
