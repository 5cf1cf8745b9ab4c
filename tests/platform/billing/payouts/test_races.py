"""Two who say the same of a payout in the same moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from solders.signature import Signature

from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.failures import CannotPayOut
from mutoscope.platform.billing.models import Payout
from mutoscope.platform.billing.payouts.available import earnings_of
from mutoscope.platform.billing.payouts.service import EndPayout, EndPayoutInputs, RequestPayout, RequestPayoutInputs
from tests.people import make_person
from tests.platform.billing.paying import paid_by_hand
from tests.platform.billing.shop import Shop
from tests.platform.billing.unlock.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

LATER = MovedClock(timedelta(days=8))
SIGNATURE = str(Signature.from_bytes(bytes(range(64))))


def test_two_of_staff_who_record_one_payment_in_one_moment_record_it_once(settings: Any) -> None:
    settings.PAYOUT_POINTS_MIN, settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_APPROVAL_POINTS = 50, 7, 150
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)
    # A channel has one payout open at a time, so they can only mean the same: its row has them take turns.
    asked = RequestPayoutInputs(shop.creator.pk, 100, "a", True)
    with paid_by_hand():
        payout = RequestPayout(LATER).call(asked).payout
    staff = [make_person(name) for name in ("stan", "olga")]
    results = at_once(
        *[
            lambda each=each: EndPayout().call(
                EndPayoutInputs(payout.pk, Payout.State.PAID, f"By {each}.", SIGNATURE, each.pk)
            )
            for each in staff
        ]
    )
    (refused,) = [result for result in results if isinstance(result, Exception)]
    assert isinstance(refused, CannotPayOut)
    assert refused.sentence() == "This payout is paid already."
    payout.refresh_from_db()
    assert payout.reason == f"By {payout.decided_by}."
    assert earnings_of(shop.video.channel_id, LATER).posted == 80


def test_requests_of_one_moment_go_no_further_without_approval_than_one(settings: Any) -> None:
    settings.PAYOUT_POINTS_MIN, settings.PAYOUT_DELAY_DAYS, settings.PAYOUT_APPROVAL_POINTS = 10, 7, 100
    shop = Shop.open()
    shop.unlock(Term.LIFETIME)

    def ask(key: str) -> Payout:
        """Each ends at once, as when the signer is quick: only then is there room for the next."""
        payout = RequestPayout(LATER).call(RequestPayoutInputs(shop.creator.pk, 60, key, True)).payout
        if payout.state == Payout.State.APPROVED:
            EndPayout().call(EndPayoutInputs(payout.pk, Payout.State.PAID))
        return payout

    with paid_by_hand():
        results = at_once(*[lambda each=each: ask(each) for each in "abcd"])
    assert all(isinstance(result, Payout | CannotPayOut) for result in results)
    assert Payout.objects.filter(state=Payout.State.PAID).count() == 1
    assert Payout.objects.exclude(state=Payout.State.PAID).count() <= 1
    assert not Payout.objects.filter(state=Payout.State.APPROVED).exists()
