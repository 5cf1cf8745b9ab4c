"""`manage.py check`: that there is a PostgreSQL to be in."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.db import connections, router


def check_database(**_: Any) -> list[checks.CheckMessage]:
    """An error when no database that this app's tables may go to is PostgreSQL. Connects to none."""
    if any(
        connections[alias].vendor == "postgresql" and router.allow_migrate(alias, "ledger") for alias in connections
    ):
        return []
    return [
        checks.Error(
            "The ledger needs PostgreSQL, and no database in DATABASES is one.",
            hint="Set ENGINE to django.db.backends.postgresql for one of them, and let your routers, if any, allow 'ledger' there.",
            id="ledger.E001",
        )
    ]
