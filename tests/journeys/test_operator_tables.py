"""Tables of the operator's pages: whole on a desk, and on a phone in a box that scrolls and says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import expect

from mutoscope.engines.solana.payments.models import Transfer
from mutoscope.engines.solana.public import token_model
from mutoscope.engines.tasks.models import Run, ScheduleRecord
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Purchase
from mutoscope.platform.videos.models import Video
from tests.journeys.visitor import Visitor
from tests.people import make_person
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.browser

LISTS = ("billing/purchase", "tasks/run", "accounts/person", "tasks/schedulerecord", "mutoscope_solana/transfer")
SIGNATURE = "4RnFbzJ9cXeUuD2vGq7TWLh5kYpQmS1rNn8AoCiEtBxVfKs3HgZjRdPyM6wLqTuXaFbCcDeGhJkMnPqRsTuVWATs"[:88]
ACCOUNT = "FWHTRLx7pYtQ2vBnMzKcJdHgSaEiUo9wXyRqPs5mXcj"


def something_of_everything() -> None:
    """Rows with texts of every length that there is."""
    shop = Shop.open()
    Video.objects.update(title="The Coast of a Number, or " + "What the Lighthouse Keeper Saw " * 3)
    Purchase.objects.filter(pk=shop.unlock(Term.LIFETIME).purchase_id).update(refunded_at=timezone.now())
    make_person("a-name-of-thirty-letters-or-so")
    now = timezone.now()
    Run.objects.create(pipeline="videos.make", subject="video:1", input="{}", started_at=now, ended_at=now)
    ScheduleRecord.objects.create(name="somewhere.add_up_everything", cron="*/10 * * * *", timezone="UTC", next_at=now)
    usdc = token_model().objects.exclude(mint="").first() or token_model().objects.create(
        symbol="USDC", mint=ACCOUNT, program="TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", decimals=6
    )
    Transfer.objects.create(
        signature=SIGNATURE, account=ACCOUNT, owner=ACCOUNT, mint=usdc.mint, token=usdc, amount=-7_500_001, slot=1,
        block_time=now,
    )  # fmt: skip


@pytest.fixture
def operator(visit: Callable[..., Visitor]) -> Visitor:
    something_of_everything()
    person = make_person("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="operator"))
    visitor = visit()
    visitor.becomes(person)
    return visitor


@pytest.mark.parametrize("address", LISTS)
def test_a_list_is_whole_on_a_desk_and_on_a_phone_says_that_it_goes_on(operator: Visitor, address: str) -> None:
    page = operator.goto(f"/operator/{address}/")
    box, note = page.locator("#changelist .results"), page.locator(".goes-on-note")
    wide = box.evaluate("box => box.scrollWidth - box.clientWidth")
    assert wide <= 1, f"{wide} px of {address} are out of sight at 1280"
    expect(note).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(note).to_be_visible()
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"the page itself scrolls sideways by {overflow} px"
    operator.look(f"operator-{address.replace('/', '-')}", is_ours=False)
    page.set_viewport_size({"width": 390, "height": 844})
    # Slid to its end: the first column has stayed, and nothing more is announced.
    expect(box).to_have_attribute("tabindex", "0")
    box.evaluate("box => { box.scrollLeft = box.scrollWidth }")
    expect(note).to_be_hidden()
    inset = page.evaluate(
        "() => document.querySelector('#result_list tbody th').getBoundingClientRect().left"
        " - document.querySelector('#changelist .results').getBoundingClientRect().left"
    )
    assert 0 <= inset <= 1


def test_a_signature_is_short_to_see_and_whole_to_copy(operator: Visitor) -> None:
    page = operator.goto("/operator/mutoscope_solana/transfer/")
    short = page.locator("td .code-short").first
    expect(short).to_have_attribute("title", SIGNATURE)
    assert short.evaluate("code => code.getBoundingClientRect().width") < 130
    copied = short.evaluate("code => { getSelection().selectAllChildren(code); return getSelection().toString() }")
    assert copied == SIGNATURE
