"""What an operator sees first, and who sees which part of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from mutoscope.engines.solana.models import Lease, SignerReport, Transfer, UnmatchedReceipt
from mutoscope.engines.tasks.models import WorkerRecord
from mutoscope.platform.accounts.models import Person
from mutoscope.platform.billing import books
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Reconciliation
from mutoscope.platform.billing.overview.money import money_since
from mutoscope.platform.support.models import Mail, MailState
from tests.people import make_person
from tests.platform.billing.shop import Shop
from tests.platform.billing.topup_refunds.counter import open_counter

pytestmark = pytest.mark.django_db


def board(person: Person) -> dict[str, dict[str, Any]]:
    """The panels by title, and in each the figures by name."""
    client = Client()
    client.force_login(person)
    answer: Any = client.get("/operator/")
    assert answer.status_code == 200
    return {panel.title: {figure.name: figure for figure in panel.figures} for panel in answer.context["panels"]}


@pytest.fixture
def operator() -> Person:
    person = make_person("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="operator"))
    return person


def test_what_is_owed_is_what_the_ledger_holds(operator: Person) -> None:
    shop = Shop.open(points=500)
    shop.unlock(Term.LIFETIME)
    money = board(operator)["Money, last 30 days"]
    assert money["Owed to creators"].value == "180 points"
    assert money["Owed to viewers"].value == "300 points"
    assert money["Fees"].value == "20 points"
    found = money_since(timezone.now() - timedelta(days=30))
    assert found.owed_to_viewers == books.points_of(shop.viewer.pk)
    assert found.owed_to_creators == books.balance(books.Kind.EARNINGS, shop.video.channel_id).posted


def test_a_difference_in_the_books_is_an_alarm_and_so_is_silence(operator: Person) -> None:
    assert board(operator)["Reconciliation"]["Last"].value == "never"
    Reconciliation.objects.create(findings=[], is_clean=True)
    assert not board(operator)["Reconciliation"]["Last"].is_alarm
    Reconciliation.objects.update(at=timezone.now() - timedelta(days=3))
    assert board(operator)["Reconciliation"]["Last"].is_alarm
    Reconciliation.objects.create(findings=[{"name": "payout_differs", "meaning": "m", "rows": [[1]]}], is_clean=False)
    last = board(operator)["Reconciliation"]["Last"]
    assert (last.value, last.is_alarm) == ("1 finding", True)


def test_work_disk_and_versions_are_there(operator: Person) -> None:
    found = board(operator)
    assert {"Queue default", "Queue films", "Failed for good"} <= set(found["Work"])
    assert "free" in found["Machine"]["Disk"].value
    assert "PostgreSQL" in found["Machine"]["Database"].hint
    assert set(found["Payments that need a look"]) >= {"Late", "Another token", "Nobody's"}


def test_every_figure_leads_somewhere_that_this_person_may_see(operator: Person) -> None:
    client = Client()
    client.force_login(operator)
    for panel in board(operator).values():
        for figure in panel.values():
            if figure.href:
                assert client.get(figure.href).status_code == 200, figure.href


def test_staff_without_a_role_sees_none_of_it_and_support_no_queues() -> None:
    assert board(make_person("stan", is_staff=True)) == {}
    support = make_person("sue", is_staff=True)
    support.groups.add(Group.objects.get(name="support"))
    titles = {"Money, last 30 days", "Payments that need a look", "Reconciliation", "Mail, last 30 days"}
    assert set(board(support)) == titles


def test_what_goes_back_needs_no_look_any_more(operator: Person, tmp_path: Path) -> None:
    def look() -> dict[str, tuple[str, str]]:
        found = board(operator)["Payments that need a look"]
        return {
            name: (found[name].value, found[name].hint) for name in ("Late", "Too much, or twice", "Too little, over")
        }

    with open_counter(tmp_path) as counter:
        over, late = counter.overpaid(), counter.till.buy(key="order-number-2")
        counter.till.end(late)
        counter.till.pay(late, 5_000_000)
        part = counter.till.buy(key="order-number-3")
        counter.till.pay(part, 1_000_000)
        counter.till.end(part)
        assert [value for value, _ in look().values()] == ["1", "1", "1"]
        waiting = "Refunds that wait for approval"
        refunds = [refund for top_up in (over, late, part) for refund in counter.ask(top_up)]
        assert board(operator)["Money, last 30 days"][waiting].value == "3"
        assert [value for value, _ in look().values()] == ["1", "1", "1"], "nobody has looked yet"
        for refund in refunds:
            counter.approve(refund)
        assert look() == {
            "Late": ("0", "credit or refund; 1 more went back"),
            "Too much, or twice": ("0", "the rest can be refunded; 1 more went back"),
            "Too little, over": ("0", "can be refunded; 1 more went back"),
        }
        assert not board(operator)["Payments that need a look"]["Late"].is_alarm
        assert board(operator)["Money, last 30 days"][waiting].value == "0"
        # Paid once more than what went back: there is something to look at again.
        counter.till.pay(over, 1_000_000)
        assert look()["Too much, or twice"] == ("1", "the rest can be refunded")


def first_seen(person: Person) -> tuple[list[str], str]:
    """The names of what needs somebody now, in their order, and the page."""
    client = Client()
    client.force_login(person)
    answer: Any = client.get("/operator/")
    return [figure.full_name() for figure in answer.context["urgent"]], answer.content.decode()


def at_work() -> None:
    now = timezone.now()
    WorkerRecord.objects.create(name="w", queues="default", concurrency=1, started_at=now, beat_at=now)


def test_what_needs_somebody_comes_first_and_what_is_broken_before_who_waits(operator: Person) -> None:
    at_work()
    names, page = first_seen(operator)
    assert names == []
    assert "Nothing needs you now" in page
    row = {"mint": "", "amount": 5, "slot": 1, "block_time": timezone.now(), "account": "a" * 43, "owner": "b" * 43}
    UnmatchedReceipt.objects.create(transfer=Transfer.objects.create(signature="9" * 88, **row), reason="no_reference")
    Reconciliation.objects.create(findings=[{"name": "payout_differs", "meaning": "m", "rows": [[1]]}], is_clean=False)
    SignerReport.objects.create(trouble="The fee account is nearly empty.")
    names, page = first_seen(operator)
    assert names == ["Last reconciliation", "Signer", "Nobody's receipts"]
    assert page.index("The fee account is nearly empty.") < page.index("Money, last 30 days")
    assert ">See what differs<" in page
    assert ">Say whose<" in page


def test_a_site_without_a_worker_or_with_a_silent_signer_says_so(operator: Person) -> None:
    at_work()
    SignerReport.objects.create(beat_at=timezone.now())
    assert first_seen(operator)[0] == []
    WorkerRecord.objects.update(beat_at=timezone.now() - timedelta(hours=1))
    SignerReport.objects.update(beat_at=timezone.now() - timedelta(hours=1))
    assert first_seen(operator)[0] == ["Workers", "Signer"]
    found = board(operator)["Work"]
    assert (found["Workers"].value, found["Signer"].value) == ("0", "needs help")


def test_a_watcher_that_hangs_is_an_alarm(operator: Person) -> None:
    at_work()
    assert "Watcher" not in board(operator)["Work"]
    Lease.objects.create(name="watcher", holder="here", until=timezone.now() + timedelta(seconds=30))
    assert board(operator)["Work"]["Watcher"].value == "well"
    Lease.objects.update(until=timezone.now() - timedelta(minutes=3))
    assert first_seen(operator)[0] == ["Watcher"]


def test_staff_without_a_role_is_not_told_that_all_is_well() -> None:
    assert "Nothing needs you now" not in first_seen(make_person("stan", is_staff=True))[1]


def test_mail_that_does_not_leave_is_an_alarm_and_a_wrong_address_is_none(operator: Person) -> None:
    assert not board(operator)["Mail, last 30 days"]["Waiting"].is_alarm
    common = {"sender": "a@example.org", "recipients": ["b@example.org"], "subject": "Hello", "message": b""}
    Mail.objects.create(**common, attempts=2, last_error="421 later")
    Mail.objects.create(**common, state=MailState.DEAD, ended_at=timezone.now(), last_error="550 no such mailbox")
    found = board(operator)["Mail, last 30 days"]
    assert (found["Waiting"].value, found["Waiting"].is_alarm, found["Given up"].value) == ("1", False, "1")
    Mail.objects.create(**common, attempts=3, last_error="connection refused")
    waiting = board(operator)["Mail, last 30 days"]["Waiting"]
    assert (waiting.value, waiting.is_alarm, waiting.hint) == ("2", True, "does not leave: connection refused")
