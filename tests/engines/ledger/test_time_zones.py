"""Moments have their time zone, whatever the project's settings are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from mutoscope.engines.ledger import Ledger, Transfer, credit, debit
from tests.engines.ledger.books import Books, fresh
from tests.engines.ledger.own import ALIAS, own  # noqa: F401 - a fixture


@pytest.mark.parametrize("use_tz", [True, False])
def test_moments_are_aware_also_with_use_tz_off(
    own: str,  # noqa: F811
    use_tz: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = datetime.now(UTC) - timedelta(minutes=5)
    moment = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    with override_settings(USE_TZ=use_tz, TIME_ZONE="Europe/Berlin"):
        connections[ALIAS].close()
        books = Books.open(100, Ledger(ALIAS))
        legs = (debit(books.viewer, 10), credit(books.creator, 10))
        receipts = [books.ledger.post(unlock := books.unlock(30)), books.ledger.post(unlock)]
        # Half past two in Berlin, an hour before it is half past two again.
        receipts.append(books.ledger.post(Transfer(fresh("then"), legs, {}, moment)))
        receipts += [each for each in books.ledger.post_each([books.unlock(10)]) if each]  # type: ignore[misc]
        assert all(before < receipt.recorded_at for receipt in receipts)
        assert books.ledger.balance_at(books.creator, receipts[0].recorded_at) == 27
        lines = books.ledger.statement(books.viewer).lines
        assert [line.recorded_at for line in lines[1:3]] == [receipts[0].recorded_at, receipts[2].recorded_at]
        assert lines[2].effective_at == moment
        call_command("ledger", "export", "--database", ALIAS)
        exported = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert datetime.fromisoformat(exported[2]["effective_at"]) == moment
    connections[ALIAS].close()
