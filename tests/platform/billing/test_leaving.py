"""What closing an account means for points and money: what has to end first, what is erased, and books that agree after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from mutoscope.engines.ledger.models import Transfer
from mutoscope.engines.ledger.verification import verify
from mutoscope.platform.accounts.closing.failures import Prevented
from mutoscope.platform.accounts.closing.models import Closing
from mutoscope.platform.accounts.closing.service import hindrances_of, losses_of
from mutoscope.platform.accounts.closing.tasks import erase_all
from mutoscope.platform.accounts.models import Person
from mutoscope.platform.billing.bundles.making import MakeBundle, MakeBundleInputs
from mutoscope.platform.billing.coupons.service import MakeCoupon, MakeCouponInputs
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import (
    Bundle,
    Coupon,
    Entitlement,
    Payout,
    PayoutAddress,
    Purchase,
    RefundAddress,
    Tip,
    TopUpRefund,
)
from mutoscope.platform.billing.payouts.service import (
    EndPayout,
    EndPayoutInputs,
    RequestPayout,
    RequestPayoutInputs,
)
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from mutoscope.platform.billing.unlock.rights import right_of
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.public import VideoState
from tests.people import make_person
from tests.platform.accounts.closing.leavers import close, let_two_weeks_pass
from tests.platform.billing.books import all_is_well, differences
from tests.platform.billing.paying import paid_by_hand, prove
from tests.platform.billing.shop import Shop
from tests.platform.billing.topup.till import open_till
from tests.platform.billing.topup_refunds.counter import OWN_ADDRESS
from tests.platform.billing.unlock.test_races import at_once
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_rules(settings: Any) -> Iterator[None]:
    settings.PAYOUT_POINTS_MIN, settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_APPROVAL_POINTS = 50, 0, 1000
    with paid_by_hand():
        yield


def told(person: Person) -> str:
    return " ".join(hindrance.sentence for hindrance in hindrances_of(person))


def pay_out(creator: Person, points: int) -> Payout:
    payout = RequestPayout().call(RequestPayoutInputs(creator.pk, points, "all", has_second_factor=True)).payout
    by = make_person("opal")
    EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.PAID, reason="Paid", reference="by bank", by_id=by.pk))
    payout.refresh_from_db()
    return payout


def test_a_top_up_and_money_on_its_way_back_come_to_their_end_first() -> None:
    with open_till() as till:
        top_up = till.buy()
        [hindrance] = hindrances_of(till.viewer)
        assert "A top-up is under way" in hindrance.sentence
        assert top_up.public_id in hindrance.link
        till.end(top_up)
        assert hindrances_of(till.viewer) == []
        back = TopUpRefund.objects.create(
            top_up=top_up, receipt="r" * 88, receiver=OWN_ADDRESS, symbol="USDC", decimals=6, amount=1, request_key="a"
        )
        [hindrance] = hindrances_of(till.viewer)
        assert "on its way back" in hindrance.sentence
        assert hindrance.link == f"/wallet/top-ups/{top_up.public_id}/refunds/"
        TopUpRefund.objects.filter(pk=back.pk).update(state=TopUpRefund.State.CANCELLED, ended_at=timezone.now())
        assert hindrances_of(till.viewer) == []


def test_earnings_are_paid_out_first_unless_they_are_too_little(settings: Any) -> None:
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)
    move(shop.video.pk, VideoState.ARCHIVED)
    assert "180 points were earned and not paid out. Take a payout first." in told(shop.creator)
    settings.PAYOUT_DELAY_DAYS = 7
    assert "They can be, 7 days after the last sale." in told(shop.creator)
    settings.PAYOUT_POINTS_MIN = 181
    assert told(shop.creator) == ""
    assert any("You lose 180 points of earnings" in loss for loss in losses_of(shop.creator))


def test_a_payout_under_way_ends_first() -> None:
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)
    move(shop.video.pk, VideoState.ARCHIVED)
    prove(shop.creator)
    RequestPayout().call(RequestPayoutInputs(shop.creator.pk, 180, "all", has_second_factor=True))
    assert told(shop.creator) == "A payout is under way. Wait until it has ended."


def test_the_page_counts_what_is_lost() -> None:
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)
    lost = losses_of(shop.viewer)
    assert "You lose 800 points. Points are not turned back into money." in lost
    assert "You lose 1 film that you unlocked for life. A new account does not get them back." in lost


def test_the_ledger_which_forgets_nothing_holds_no_note() -> None:
    shop = Shop.open()
    GiveTip().call(GiveTipInputs(shop.viewer.pk, shop.video.public_id, 10, "a", "From your neighbour", True))
    metadata = str(Transfer.objects.get(pk=Tip.objects.get().transfer_id).metadata)
    assert "neighbour" not in metadata


def test_of_a_viewer_the_books_stay_and_their_words_and_addresses_go() -> None:
    with open_till() as till:
        shop = Shop.open()
        shop.viewer = till.viewer
        top_up = till.buy()
        till.pay(top_up, 5_000_000)
        shop.unlock(Term.LIFETIME)
        GiveTip().call(GiveTipInputs(shop.viewer.pk, shop.video.public_id, 10, "a", "From your neighbour", True))
        Tip.objects.update(is_shown=True)
        used, unused = (
            RefundAddress.objects.create(
                top_up=top_up, address=OWN_ADDRESS, nonce=nonce * 22, message="petra", expires_at=timezone.now()
            )
            for nonce in "nm"
        )
        TopUpRefund.objects.create(
            top_up=top_up,
            receipt="r" * 88,
            receiver=OWN_ADDRESS,
            symbol="USDC",
            decimals=6,
            amount=1,
            request_key="a",
            address=used,
            state=TopUpRefund.State.CANCELLED,
            ended_at=timezone.now(),
        )
        before, points = differences(), shop.points()
        close(shop.viewer)
        let_two_weeks_pass(shop.viewer)
        assert erase_all() == 1
        tip = Tip.objects.get()
        assert (tip.note, tip.may_be_shown, tip.points) == ("", False, 10)
        assert not RefundAddress.objects.filter(pk=unused.pk).exists()
        used.refresh_from_db()
        assert (used.address, used.message) == (OWN_ADDRESS, "")
        assert shop.points() == points
        assert str(Purchase.objects.get().viewer) == f"closed-account-{shop.viewer.pk}"
        assert differences() == before


def test_of_a_creator_sold_films_stay_for_their_buyers_and_the_rest_goes() -> None:
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)
    unsold = new_video(shop.video.channel, VideoState.ARCHIVED, title="Nobody's")
    draft = new_video(shop.video.channel, VideoState.DRAFT)
    MakeCoupon().call(MakeCouponInputs(shop.video.channel, "AUTUMN", percent=10))
    other = new_video(shop.video.channel, VideoState.PUBLISHED, title="Another")
    both = [shop.video.public_id, other.public_id]
    MakeBundle().call(MakeBundleInputs(shop.video.channel, "Both", both, "lifetime", 100))
    for video in (shop.video, other):
        move(video.pk, VideoState.READY)
    prove(shop.creator)
    payout = pay_out(shop.creator, 180)
    named = PayoutAddress.objects.create(
        channel=shop.video.channel, address=OWN_ADDRESS, nonce="n" * 22, message="ada", expires_at=timezone.now()
    )
    assert told(shop.creator) == ""
    close(shop.creator)
    let_two_weeks_pass(shop.creator)
    assert erase_all() == 1
    film = Video.objects.get()
    assert (film.pk, film.state) == (shop.video.pk, VideoState.ARCHIVED)
    assert {unsold.pk, draft.pk, other.pk} & {film.pk} == set()
    assert film.channel.title == "Closed channel"
    assert right_of(shop.viewer.pk, film.pk) is not None
    assert Entitlement.objects.get().expires_at is None
    assert not Bundle.objects.exists()
    assert not Coupon.objects.exists()
    assert not PayoutAddress.objects.filter(pk=named.pk).exists()
    assert PayoutAddress.objects.count() == (1 if payout.address_id else 0)
    assert not PayoutAddress.objects.exclude(message="").exists()
    assert all_is_well()


@pytest.mark.django_db(transaction=True)
def test_a_purchase_while_the_account_is_closed_is_whole_and_the_books_agree() -> None:
    shop = Shop.open()
    before = differences()
    bought, closed = at_once(lambda: shop.unlock(Term.DAY), lambda: close(shop.viewer))
    assert not isinstance(bought, Exception), bought
    assert not isinstance(closed, Exception), closed
    assert shop.entitlement().version == 1
    assert shop.points() == 970
    let_two_weeks_pass(shop.viewer)
    # Two workers, of which one comes first.
    assert sorted(at_once(erase_all, erase_all)) == [0, 1]
    assert str(Purchase.objects.get().viewer) == f"closed-account-{shop.viewer.pk}"
    assert differences() == before
    assert verify().is_sound()


@pytest.mark.django_db(transaction=True)
def test_a_top_up_that_begins_while_the_account_is_closed_is_waited_for() -> None:
    with open_till() as till:
        began, closed = at_once(till.buy, lambda: close(till.viewer))
        if isinstance(closed, Prevented):
            assert not Closing.objects.exists()
            return
        assert not isinstance(began, Exception), began
        let_two_weeks_pass(till.viewer)
        assert erase_all() == 0
        till.end(began)
        assert erase_all() == 1
