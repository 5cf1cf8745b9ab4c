"""`migrate ledger zero`."""

from __future__ import annotations

import pytest
from django.db import connections
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor

from mutoscope.engines.ledger import Ledger
from tests.engines.ledger.books import Books
from tests.engines.ledger.own import ALIAS, own  # noqa: F401 - a fixture


def left() -> list[str]:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'ledger%%' UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'ledger%%'"
            " UNION ALL SELECT typname FROM pg_type WHERE typname LIKE 'ledger%%'",
            [],
        )
        return [name for (name,) in cursor.fetchall()]


def migrate(target: str | None, *, fake: bool = False) -> None:
    MigrationExecutor(connections[ALIAS]).migrate([("ledger", target)], fake=fake)


LATEST = "0006_a_payment_is_written_once"


def test_a_ledger_that_was_never_used_is_removed_and_made_again(own: str) -> None:  # noqa: F811
    migrate(LATEST, fake=True)
    migrate(None)
    assert left() == []
    migrate(LATEST)
    Books.open(100, Ledger(ALIAS))
    with pytest.raises(IrreversibleError, match="has transfers"):
        migrate(None)
    migrate(LATEST)
    assert Books.open(100, Ledger(ALIAS))
