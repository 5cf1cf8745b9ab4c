"""From a pack to points, on a real chain: every way in which money can arrive comes to an end that the viewer sees."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from mutoscope.engines.ledger.models import Transfer
from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.models import Event, Price
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.public import accept_late, payment_model, token_model
from mutoscope.platform.billing import pace
from mutoscope.platform.billing.failures import CannotTopUp, RequestKeyReused, TooManyTopUps
from mutoscope.platform.billing.models import Pack, TopUp
from mutoscope.platform.billing.topup import crediting
from mutoscope.platform.billing.topup.buying import OPEN_MAX, BuyPoints, BuyPointsInputs
from tests.people import make_person
from tests.platform.billing.shop import Shop as FilmShop
from tests.platform.billing.topup.till import Till

pytestmark = pytest.mark.django_db


def page(till: Till, top_up: TopUp, part: str = "", **headers: str) -> str:
    client = Client()
    client.force_login(till.viewer)
    return client.get(f"/wallet/top-ups/{top_up.public_id}/{part}", headers=headers).content.decode()


def test_a_pack_paid_exactly_is_credited_at_finality_by_a_transfer_that_names_the_payment(till: Till) -> None:
    top_up = till.buy()
    assert "Send exactly" in page(till, top_up)
    till.shop.pay(till.payment(top_up), 5_000_000, TEST_USDC)
    till.shop.glance()
    tell_due()
    assert till.standing(top_up).status in {"seen", "confirmed"}
    assert till.points() == 0
    assert "Send exactly" not in page(till, top_up)
    till.settle()
    assert till.points() == 550
    top_up.refresh_from_db()
    assert top_up.transfer_id is not None
    transfer = Transfer.objects.get(pk=top_up.transfer_id)
    assert transfer.metadata == {"for": "top-up", "payment": top_up.payment_id}
    assert "550 points are yours" in page(till, top_up)


def test_beside_a_film_a_payment_that_is_under_way_is_not_asked_for_again(till: Till) -> None:
    shop = FilmShop.open(points=0)
    client = Client()
    client.force_login(till.viewer)

    def panel() -> str:
        return client.get(f"/unlock/{shop.video.public_id}/").content.decode()

    assert "under way" not in panel()
    top_up = till.buy()
    assert f"/wallet/top-ups/{top_up.public_id}/" in panel()
    till.shop.pay(till.payment(top_up), 5_000_000, TEST_USDC)
    till.shop.glance()
    tell_due()
    assert "A payment of yours is under way." in panel()
    till.settle()
    assert "under way" not in panel()
    assert "Unlock for 30 points" in panel()


def test_what_was_not_paid_in_its_time_is_under_way_no_more(till: Till) -> None:
    shop = FilmShop.open(points=0)
    till.end(till.buy())
    client = Client()
    client.force_login(till.viewer)
    assert "under way" not in client.get(f"/unlock/{shop.video.public_id}/").content.decode()


def test_sol_is_quoted_by_its_rate_and_rounded_up(till: Till) -> None:
    top_up = till.buy("SOL")
    # $5.00 at $150 is a thirtieth of a SOL.
    assert till.standing(top_up).amount == 33_333_334
    till.shop.pay(till.payment(top_up), 33_333_334)
    till.settle()
    assert till.points() == 550


def test_the_quote_stands_whatever_the_rate_does(till: Till, settings: Any) -> None:
    top_up = till.buy("SOL")
    settings.TOP_UPS = {**settings.TOP_UPS, "RATES_FIXED": {"SOL": "75"}}
    till.pack.price_usd_cents = 9999
    till.pack.save()
    again = till.buy("SOL")
    assert (again.pk, till.standing(again).amount) == (top_up.pk, 33_333_334)
    assert payment_model().objects.count() == 1


def test_what_is_told_twice_is_credited_once(till: Till) -> None:
    top_up = till.buy()
    till.pay(top_up, 5_000_000)
    event = Event.objects.get(name="settled")
    for _ in range(3):
        crediting.credit_settled(None, payment=till.payment(top_up), key=event.key, data=event.payload)
    assert till.points() == 550
    assert Transfer.objects.filter(metadata__payment=top_up.payment_id).count() == 1


def test_the_page_says_what_is_missing_and_the_rest_is_accepted(till: Till) -> None:
    top_up = till.buy()
    till.pay(top_up, 2_000_000)
    shown = page(till, top_up)
    assert "3 USDC are missing" in shown
    assert "amount=3&amp;" in shown
    assert till.points() == 0
    till.pay(top_up, 3_000_000)
    assert till.points() == 550


def test_a_part_that_is_seen_is_said_to_be_one_before_it_is_final(till: Till) -> None:
    top_up = till.buy()
    till.shop.pay(till.payment(top_up), 2_000_000, TEST_USDC)
    till.shop.glance()
    tell_due()
    standing = till.standing(top_up)
    assert standing.status in {"seen", "confirmed"}
    assert [step.state for step in standing.steps()] == ["now", "later", "later", "later"]
    shown = page(till, top_up)
    assert "3 USDC are missing" in shown
    assert "2 of 5 USDC were seen on the chain." in shown
    assert "amount=3&amp;" in shown
    assert standing.recipient in shown
    assert "left to pay" in page(till, top_up, f"standing/?saw={standing.version()}")
    # Having pressed "Pay with play money" a moment ago hides none of it.
    assert "Sent." not in page(till, top_up, "?sent")
    # The rest is seen as well: nothing more is asked for.
    till.shop.pay(till.payment(top_up), 3_000_000, TEST_USDC)
    till.shop.glance()
    tell_due()
    assert "are missing" not in page(till, top_up)
    till.settle()
    assert till.points() == 550


def test_too_much_is_credited_once_and_the_rest_said_to_be_refundable(till: Till) -> None:
    top_up = till.buy()
    till.pay(top_up, 7_500_000)
    assert till.points() == 550
    assert "You sent 2.5 USDC more than asked" in page(till, top_up)


def test_paid_twice_is_credited_once(till: Till) -> None:
    top_up = till.buy()
    till.pay(top_up, 5_000_000)
    till.pay(top_up, 5_000_000)
    assert till.points() == 550
    assert "You paid more than once" in page(till, top_up)


def test_late_money_is_looked_at_and_can_be_credited_at_the_quoted_rate(till: Till) -> None:
    top_up = till.buy()
    till.end(top_up)
    assert till.standing(top_up).end() == "expired"
    till.pay(top_up, 5_000_000)
    assert "came too late" in page(till, top_up)
    assert till.points() == 0
    accept_late(till.payment(top_up))
    tell_due()
    assert till.points() == 550


def test_part_of_the_price_and_no_more_is_refundable(till: Till) -> None:
    top_up = till.buy()
    till.pay(top_up, 1_000_000)
    till.end(top_up)
    assert "4 USDC were missing" in page(till, top_up)
    assert till.points() == 0


def test_another_accepted_token_is_credited_at_its_own_quote(till: Till) -> None:
    top_up = till.buy("SOL")
    till.pay(top_up, 5_000_000)
    assert till.points() == 550
    assert till.standing(top_up).end() == "credited"


def test_a_token_without_a_rate_buys_nothing_and_stays_on_record(till: Till, settings: Any) -> None:
    settings.TOP_UPS = {**settings.TOP_UPS, "RATES_FIXED": {"SOL": "150"}}
    top_up = till.buy("SOL")
    till.pay(top_up, 5_000_000)
    assert till.points() == 0
    assert not till.standing(top_up).is_credited


def test_no_rate_no_quote(till: Till, settings: Any) -> None:
    settings.TOP_UPS = {**settings.TOP_UPS, "RATES_FIXED": {"USDC": "1"}}
    with pytest.raises(CannotTopUp, match="not known well enough"):
        till.buy("SOL")
    assert TopUp.objects.count() == 0


def test_one_key_is_one_payment_and_another_pack_is_refused(till: Till) -> None:
    first = till.buy()
    assert till.buy().pk == first.pk
    till.pack = Pack.objects.create(title="other", points=1, price_usd_cents=500)
    with pytest.raises(RequestKeyReused):
        till.buy()


def test_what_was_asked_before_is_answered_though_its_pack_ended_and_its_rate_is_gone(
    till: Till, settings: Any
) -> None:
    """Whoever lost the answer asks again: a payment is open, and nobody is told that nothing was charged and to choose another."""
    top_up = till.buy(key="ordernumber1")
    Pack.objects.update(
        on_sale_from=timezone.now() - timedelta(days=2), on_sale_until=timezone.now() - timedelta(days=1)
    )
    assert till.buy(key="ordernumber1") == top_up
    settings.TOP_UPS = {**settings.TOP_UPS, "RATES_FIXED": {}}
    assert till.buy(key="ordernumber1") == top_up
    token_model().objects.update(is_active=False)
    assert till.buy(key="ordernumber1") == top_up
    client = Client()
    client.force_login(till.viewer)
    asked = {"pack": str(till.pack.pk), "token": "USDC", "key": "ordernumber1"}
    assert client.post("/wallet/top-up/", asked).headers["Location"] == f"/wallet/top-ups/{top_up.public_id}/"
    # A new order is refused for all of these reasons.
    with pytest.raises(CannotTopUp):
        till.buy(key="ordernumber2")


@pytest.mark.parametrize("other", [{"symbol": "SOL"}, {"film": "bcdfghjkmnpq"}])
def test_a_key_that_was_used_for_something_else_is_refused(till: Till, other: dict[str, str]) -> None:
    till.buy()
    with pytest.raises(RequestKeyReused):
        till.buy(**other)
    assert TopUp.objects.count() == 1


@pytest.mark.parametrize("symbol", ["", "EUR", "usdc"])
def test_a_token_that_is_not_accepted_is_refused(till: Till, symbol: str) -> None:
    with pytest.raises(CannotTopUp):
        till.buy(symbol)


def test_order_and_payment_are_written_together_and_no_node_is_asked(till: Till) -> None:
    asked = till.shop.rpc.calls.total()
    till.buy()
    assert till.shop.rpc.calls.total() == asked
    assert Price.objects.count() == 2
    assert payment_model().objects.count() == TopUp.objects.count() == 1


def test_a_top_up_is_shown_to_whoever_asked_for_it_alone(till: Till) -> None:
    top_up = till.buy()
    client = Client()
    client.force_login(make_person("eve"))
    for part in ("", "standing/"):
        assert client.get(f"/wallet/top-ups/{top_up.public_id}/{part}").status_code == 404
    assert client.post(f"/wallet/top-ups/{top_up.public_id}/play/").status_code == 404


def test_play_money_pays_in_the_sandbox_and_is_not_there_in_production(till: Till, settings: Any) -> None:
    client = Client()
    client.force_login(till.viewer)
    top_up = till.buy()
    address = f"/wallet/top-ups/{top_up.public_id}/play/"
    settings.TOP_UPS = {**settings.TOP_UPS, "PLAY_WALLET": None}
    assert client.post(address).status_code == 404
    settings.TOP_UPS = {**settings.TOP_UPS, "PLAY_WALLET": till.shop.chain.url}
    # Pressed again before anybody saw it on the chain.
    for _ in range(3):
        assert client.post(address).status_code == 302
    till.settle()
    assert till.points() == 550
    assert till.shop.stands(till.payment(top_up))[1] == "exact"


def test_paid_from_a_film_one_comes_back_to_that_film(till: Till) -> None:
    top_up = till.buy(film="bcdfghjkmnpq")
    till.pay(top_up, 5_000_000)
    client = Client()
    client.force_login(till.viewer)
    answer = client.get(f"/wallet/top-ups/{top_up.public_id}/standing/")
    assert answer.headers["HX-Redirect"] == "/watch/bcdfghjkmnpq"


def test_where_to_go_back_to_is_a_film_and_nothing_else(till: Till) -> None:
    client = Client()
    client.force_login(till.viewer)
    asked = {"pack": till.pack.pk, "token": "USDC", "film": "//evil.test", "key": "abcdefghijk"}
    assert client.post("/wallet/top-up/", asked).status_code == 302
    assert TopUp.objects.get().film == ""


def test_ten_unpaid_top_ups_are_open_at_once_and_no_more(till: Till) -> None:
    opened = [till.buy(key=f"order-number-{number}") for number in range(OPEN_MAX)]
    with pytest.raises(CannotTopUp, match="wait to be paid"):
        till.buy(key="one-too-many")
    assert payment_model().objects.count() == OPEN_MAX
    # The same order again is no new one; what is paid, or has ended, is not open; somebody else has their own.
    assert till.buy(key="order-number-0").pk == opened[0].pk
    elsewhere = BuyPoints().call(BuyPointsInputs(make_person("olga").pk, till.pack.pk, "USDC", "order-of-another"))
    assert elsewhere.top_up.person.username == "olga"
    till.pay(opened[0], 5_000_000)
    till.buy(key="after-one-was-paid")
    client = Client()
    client.force_login(till.viewer)
    asked = {"pack": str(till.pack.pk), "token": "USDC", "key": "once-too-often"}
    refused = client.post("/wallet/top-up/", asked)
    assert (refused.status_code, "wait to be paid" in refused.content.decode()) == (409, True)
    till.end(opened[1])
    assert client.post("/wallet/top-up/", asked).status_code == 302


def hourly(**limits: int) -> Any:
    return override_settings(TOP_UPS={**settings.TOP_UPS, **limits})


def test_a_person_begins_so_many_top_ups_within_an_hour_whatever_became_of_them(till: Till) -> None:
    client = Client()
    client.force_login(till.viewer)
    with hourly(HOURLY_MAX=3):
        opened = [till.buy(key=f"order-number-{number}") for number in range(3)]
        for each in opened:
            till.end(each)
        asked = {"pack": str(till.pack.pk), "token": "USDC", "key": "one-too-many"}
        refused = client.post("/wallet/top-up/", asked)
        assert (refused.status_code, 3590 <= int(refused["Retry-After"]) <= 3600) == (429, True)
        assert "Nothing was charged: try again in 60 minutes." in refused.content.decode()
        assert payment_model().objects.count() == 3
        # Beside a film htmx shows nothing of an answer that is an error.
        beside = client.post(
            "/wallet/top-up/", asked, headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/watch/x"}
        )
        assert "try again in" in beside.content.decode()
        # The same order again is no new one, and somebody else has their own.
        assert till.buy(key="order-number-0").pk == opened[0].pk
        BuyPoints().call(BuyPointsInputs(make_person("olga").pk, till.pack.pk, "USDC", "order-of-another"))
        # By the rows, so to the second: when the first is an hour old, one more may be begun, and only one.
        TopUp.objects.filter(pk=opened[0].pk).update(asked_at=timezone.now() - timedelta(minutes=47))
        with pytest.raises(TooManyTopUps) as too_early:
            till.buy(key="one-too-many")
        assert "try again in 13 minutes." in too_early.value.sentence()
        TopUp.objects.filter(pk=opened[0].pk).update(asked_at=timezone.now() - timedelta(hours=1))
        till.buy(key="one-too-many")
        with pytest.raises(TooManyTopUps):
            till.buy(key="two-too-many")


def test_an_address_begins_so_many_whoever_asks_and_only_what_was_begun_counts(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No hour ends meanwhile.
    monkeypatch.setattr(pace, "time", SimpleNamespace(time=lambda: 1_900_000_100.0))
    asked = {"pack": str(till.pack.pk), "token": "USDC"}

    def begin(name: str, address: str, **other: str) -> int:
        client = Client(REMOTE_ADDR=address)
        client.force_login(make_person(name))
        return client.post("/wallet/top-up/", {**asked, "key": f"order-of-{name}", **other}).status_code

    with hourly(HOURLY_MAX_ADDRESS=2):
        assert begin("ann", "192.0.2.7", token="NONE") == 409
        assert [begin(name, "192.0.2.7") for name in ("bea", "cleo", "dora")] == [302, 302, 429]
        assert begin("edna", "192.0.2.8") == 302
        # Of an IPv6 network everybody has as many addresses as they like.
        assert [begin(f"fay{number}", f"2001:db8:1:2::{number}") for number in range(3)] == [302, 302, 429]
    assert TopUp.objects.count() == 5
