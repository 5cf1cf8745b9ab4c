"""What the operator's lists say, and what they keep to themselves."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime

import pytest
from django.contrib.admin import site
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import Group, Permission
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from mutoscope.engines.solana.models import SignerJob, Transfer
from mutoscope.engines.solana.public import token_model
from mutoscope.engines.tasks.models import LiveTask, QueueSettings, Run, ScheduleRecord, UnitRecord, WorkerRecord
from mutoscope.engines.tasks.pipelines.timeline import shown
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Pack
from mutoscope.platform.billing.reconcile.tasks import NIGHTLY
from mutoscope.platform.videos.process.pipeline import MAKE_FILM
from mutoscope.web.operator_empty import NOTHING
from tests.people import make_person
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_person("olga", is_staff=True, is_superuser=True))
    return client


def test_a_runs_page_does_not_say_where_the_original_lies(operator: Client) -> None:
    now = timezone.now()
    run = Run.objects.create(pipeline=MAKE_FILM.name, input="{}", started_at=now)
    outputs = {
        "receive": {"video_id": 4711, "name": "aa/original-of-a-film.mov"},
        "probe": {"video_id": 4711, "original": "aa/original-of-a-film.mov", "facts": {"bytes": 1}},
        "open_edition": {"video_id": 4711, "original": "aa/original-of-a-film.mov", "edition_id": 1},
    }
    for unit, output in outputs.items():
        UnitRecord.objects.create(
            run_id=run.pk,
            unit=unit,
            output=json.dumps(output),
            version=1,
            attempt=1,
            task_id=1,
            started_at=now,
            finished_at=now,
        )
    page = operator.get(f"/operator/tasks/run/{run.pk}/change/").content.decode()
    assert page.count("4711") >= 3
    assert "original-of-a-film" not in page


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('{"name": "a/b.mov", "size": 3}', '{"name": "…", "size": 3}'),
        ('{"name": "with \\"quotes\\" in it", "b": "c"}', '{"name": "…", "b": "c"}'),
        ('{"size": 3, "name": "cut sho', '{"size": 3, "name": "…"'),
        ('{"size": 3, "name": "cut at a \\', '{"size": 3, "name": "…"'),
        ('{"renamed": "this"}', '{"renamed": "this"}'),
        (None, ""),
    ],
)
def test_what_a_unit_hides_is_not_shown_wherever_it_was_cut(output: str | None, expected: str) -> None:
    assert shown(output, ("name",)) == expected


def test_workers_are_filtered_in_the_words_of_their_list(operator: Client) -> None:
    now = timezone.now()
    for state in ("WORKING", "STOPPED"):
        WorkerRecord.objects.create(
            name=f"worker-{state.lower()}", queues="default", concurrency=1, started_at=now, beat_at=now, state=state
        )
    page = operator.get("/operator/tasks/workerrecord/").content.decode()
    assert ">draining<" in page
    assert "WORKING<" not in page
    page = operator.get("/operator/tasks/workerrecord/?state=STOPPED").content.decode()
    assert "worker-stopped" in page
    assert "worker-working" not in page


def page_of(operator: Client, address: str) -> str:
    answer = operator.get(f"/operator/{address}/")
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_money_has_its_unit_and_codes_are_whole_behind_their_short_form(operator: Client) -> None:
    now = timezone.now()
    signature, account = "4RnFbz" + "a" * 78 + "WATs", "FWHTRL" + "b" * 34 + "mXcj"
    usdc = token_model().objects.create(
        symbol="TEST", mint=account, program="TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", decimals=6
    )
    row = {"account": account, "owner": account, "slot": 1, "block_time": now}
    left = Transfer.objects.create(signature=signature, mint=account, token=usdc, amount=-7_500_001, **row)
    Transfer.objects.create(signature="9" * 88, mint="", amount=66_666_667, **row)
    Transfer.objects.create(signature="8" * 88, mint="Stray" + "x" * 35 + "cDEF", amount=12_000, **row)
    SignerJob.objects.create(key="a", kind="payout", mint=account, amount=2_500_000, destination=account)
    SignerJob.objects.create(key="b", kind="derive", amount=20)
    page = page_of(operator, "mutoscope_solana/transfer")
    assert ">-7.500001 TEST<" in page
    assert ">0.066666667 SOL<" in page
    assert ">12,000 base units of Stra…cDEF<" in page
    assert f'title="{signature}"' in page
    assert "-7.500001 TEST" in page_of(operator, f"mutoscope_solana/transfer/{left.pk}/change")
    jobs = page_of(operator, "mutoscope_solana/signerjob")
    assert ">2.5 TEST<" in jobs
    assert ">20 wallets<" in jobs


def test_no_label_is_a_columns_name_and_no_amount_is_without_its_unit(operator: Client) -> None:
    shop = Shop.open(points=100)
    bought = shop.unlock(Term.DAY)
    pack = Pack.objects.create(title="Small", points=500, price_usd_cents=499)
    assert "$4.99" in page_of(operator, "billing/pack")
    form = page_of(operator, f"billing/pack/{pack.pk}/change")
    assert "Price in US cents" in form
    page = page_of(operator, f"billing/purchase/{bought.purchase_id}/change")
    assert "30 points" in page
    assert f"/ledger/transfer/{bought.transfer_id}/change/" in page
    for address in ("billing/pack", "billing/purchase", "billing/topup", f"billing/pack/{pack.pk}/change"):
        assert "usd cents" not in page_of(operator, address).lower(), address
    assert "Price points" not in page


def test_a_schedule_and_a_queue_run_or_are_paused_in_words(operator: Client) -> None:
    now = timezone.now()
    ScheduleRecord.objects.create(name="one", cron="* * * * *", timezone="UTC", path="a.b", next_at=now)
    ScheduleRecord.objects.create(name="two", cron="* * * * *", timezone="UTC", path="a.b", next_at=now, paused=True)
    QueueSettings.objects.update_or_create(name="films", defaults={"paused": True})
    for address in ("tasks/schedulerecord", "tasks/queuesettings"):
        page = page_of(operator, address)
        assert ">Paused<" in page
        assert "icon-no" not in page
    assert ">Running<" in page_of(operator, "tasks/schedulerecord")
    assert "Paused" in page_of(operator, "tasks/schedulerecord/two/change")
    assert "icon-no" not in page_of(operator, "tasks/schedulerecord/one/change")


def test_every_list_that_is_empty_says_why_and_where_to_go(operator: Client) -> None:
    listed = {model._meta.label: model._meta for model in site._registry}
    assert set(NOTHING) == set(listed), "say in web/operator_empty.py what these lists say while they are empty"
    pages = {label: page_of(operator, f"{meta.app_label}/{meta.model_name}") for label, meta in listed.items()}
    empty = {label for label, page in pages.items() if 'class="nothing-listed"' in page}
    assert empty > {"billing.Purchase", "billing.Reconciliation", "tasks.LiveTask", "videos.Video"}
    for label in empty:
        assert NOTHING[label].sentence in html.unescape(pages[label]), label
    assert "/operator/billing/purchase/" in pages["billing.Refund"]
    for label, said in NOTHING.items():
        if said.view:
            assert operator.get(reverse(f"admin:{said.view}")).status_code == 200, label
    searched = operator.get("/operator/billing/purchase/", {"q": "nobody"})
    assert "fits what you asked for" in searched.content.decode()


def test_the_books_are_compared_now_by_whoever_may(operator: Client) -> None:
    tomorrow = datetime(2031, 5, 6, 3, 42, tzinfo=UTC)
    ScheduleRecord.objects.create(name=NIGHTLY, cron="42 3 * * *", timezone="UTC", path="a.b", next_at=tomorrow)
    page = html.unescape(page_of(operator, "billing/reconciliation")).replace("\u00a0", " ")
    assert "The next one runs on 6 May 2031, 03:42 UTC." in page
    assert "Compare now" in page
    for _ in range(2):
        answer = operator.post("/operator/billing/reconciliation/now/", follow=True)
        assert "A worker compares as soon as one is free." in answer.content.decode()
    # And not beside one that runs already.
    waiting = LiveTask.objects.get(path__endswith="reconcile_books")
    assert (waiting.limit_key, waiting.limit_max) == (NIGHTLY, 1)
    operator.get("/operator/billing/reconciliation/now/")
    support = make_person("sue", is_staff=True)
    support.groups.add(Group.objects.get(name="support"))
    operator.force_login(support)
    page = page_of(operator, "billing/reconciliation")
    assert "Compare now" not in page
    assert "mutoscope reconcile" in page
    assert operator.post("/operator/billing/reconciliation/now/").status_code == 403
    assert LiveTask.objects.filter(path__endswith="reconcile_books").count() == 1


def test_a_page_on_which_nothing_is_edited_has_nothing_to_save(operator: Client, rf: RequestFactory) -> None:
    asked = rf.get("/")
    asked.user = Person.objects.get(username="olga")
    for model, pages in site._registry.items():
        row = model()
        editable = set(flatten_fieldsets(pages.get_fieldsets(asked, row))) - set(pages.get_readonly_fields(asked, row))
        assert editable or not pages.has_change_permission(asked, row), model._meta.label
    film = Shop.open().video
    page = page_of(operator, f"videos/video/{film.pk}/change")
    assert 'name="_save"' not in page
    assert 'value="archive"' in page_of(operator, "videos/video")
    assert operator.post(f"/operator/videos/video/{film.pk}/change/", {"title": "Another"}).status_code == 403


def test_who_may_only_look_at_tasks_is_offered_nothing_that_changes_them(client: Client) -> None:
    now = timezone.now()
    ScheduleRecord.objects.create(name="one", cron="* * * * *", timezone="UTC", path="a.b", next_at=now)
    looks = make_person("lea", is_staff=True)
    looks.user_permissions.set(Permission.objects.filter(content_type__app_label="tasks", codename__startswith="view_"))
    client.force_login(looks)
    assert "<option" not in page_of(client, "tasks/schedulerecord")
    client.post("/operator/tasks/schedulerecord/", {"action": "pause", "_selected_action": ["one"]})
    assert not ScheduleRecord.objects.get(name="one").paused
