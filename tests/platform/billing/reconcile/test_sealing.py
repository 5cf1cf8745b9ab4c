"""The site's ledger is sealed each night, before the books are compared; and that it was not is found."""

from __future__ import annotations

import pytest
from django.db import connection

from mutoscope.engines.ledger.sealing import seal
from mutoscope.engines.tasks.queue.schedules import declared_schedules
from mutoscope.platform.billing.reconcile.metrics import SealCollector
from mutoscope.platform.billing.reconcile.service import find
from mutoscope.platform.billing.reconcile.tasks import seal_ledger
from tests.people import make_person
from tests.platform.billing.shop import give


def ages() -> dict[str, float]:
    return {sample.name: sample.value for metric in SealCollector().collect() for sample in metric.samples}


def days_pass(days: int) -> None:
    """Everything that was recorded and not sealed so far was recorded earlier."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE ledger_journal DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE ledger_journal SET recorded_at = recorded_at - make_interval(days => %s)"
            " WHERE id > coalesce((SELECT max(through_id) FROM ledger_seal), 0)",
            [days],
        )
        cursor.execute("ALTER TABLE ledger_journal ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_sealing_is_scheduled_in_the_same_night_and_before_the_comparison() -> None:
    minutes = {}
    for each in declared_schedules():
        minute, hour, *every_day = each.cron.split()
        if each.name in ("billing.seal_ledger", "billing.reconcile"):
            assert every_day == ["*", "*", "*"]
            minutes[each.name] = int(hour) * 60 + int(minute)
    assert minutes["billing.seal_ledger"] + 20 <= minutes["billing.reconcile"]


@pytest.mark.django_db(transaction=True)
def test_the_task_seals_what_was_posted_and_the_metrics_say_how_old_the_last_seal_is() -> None:
    give(make_person("nora"), 5)
    assert ages()["mutoscope_ledger_unsealed_seconds"] > 0
    assert seal_ledger.func() >= 1
    assert ages()["mutoscope_ledger_unsealed_seconds"] == 0
    assert 0 < ages()["mutoscope_ledger_seal_age_seconds"] < 60
    assert seal_ledger.func() == 0
    assert seal().transfers == 0


@pytest.mark.django_db
def test_transfers_that_two_nights_did_not_seal_are_a_finding() -> None:
    give(make_person("nora"), 5)
    assert "transfers_not_sealed" not in {finding.name for finding in find()}
    days_pass(1)
    assert "transfers_not_sealed" not in {finding.name for finding in find()}
    days_pass(2)
    (finding,) = (finding for finding in find() if finding.name == "transfers_not_sealed")
    assert finding.rows
    assert ages()["mutoscope_ledger_unsealed_seconds"] > 2 * 86400
