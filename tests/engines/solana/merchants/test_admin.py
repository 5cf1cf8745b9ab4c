"""The operator's pages: what they show, what they decide, and that nothing else can be edited."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from mutoscope.engines.solana import models, public
from mutoscope.engines.solana.admin import PaymentAdmin
from mutoscope.engines.solana.outbox.telling import tell_due
from mutoscope.engines.solana.payments.domain.states import Money, Status
from mutoscope.platform.accounts.models import Person
from tests.engines.solana.payments.shop import SOL, Shop
from tests.people import make_person

READ_ONLY = ("payment", "transfer", "wallet", "signerjob", "event", "webhookdelivery")
LISTED = (*READ_ONLY, "unmatchedreceipt", "token", "webhookendpoint")


@pytest.fixture
def operator(selling: Shop, client: Client) -> Client:
    person = make_person("root")
    Person.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    person.refresh_from_db()
    client.force_login(person)
    return client


def at(model: str, page: str = "changelist", *args: object) -> str:
    return reverse(f"admin:mutoscope_solana_{model}_{page}", args=args)


def test_every_page_opens_and_records_cannot_be_edited(operator: Client, selling: Shop) -> None:
    models.Wallet.objects.create(epoch=1, index=0, address=selling.offer({SOL: 1_000_000}).recipient)
    models.WebhookEndpoint.objects.create(url="https://hooks.example/")
    payment = selling.offer({SOL: 500_000_000})
    selling.pay(payment, 600_000_000)
    selling.look()
    tell_due()
    for model in LISTED:
        assert operator.get(at(model)).status_code == 200, model
    for model in READ_ONLY:
        assert operator.get(at(model, "add")).status_code == 403, model
        first = getattr(
            models, {"signerjob": "SignerJob", "webhookdelivery": "WebhookDelivery"}.get(model, model.title())
        )
        row = first.objects.order_by("-pk").first()
        if row is not None:
            assert operator.get(at(model, "change", row.pk)).status_code == 200, model
            assert operator.post(at(model, "change", row.pk), {"status": "settled"}).status_code == 403, model
            assert operator.post(at(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model
    page = operator.get(at("payment", "change", payment.pk)).content.decode()
    payment.refresh_from_db()
    assert payment.signature
    assert f"0.6 SOL by {payment.signature}" in page
    assert "settled" in page


def act(operator: Client, action: str, payment: object) -> str:
    answer = operator.post(at("payment"), {"action": action, "_selected_action": [payment.pk]}, follow=True)  # type: ignore[attr-defined]
    assert answer.status_code == 200
    return answer.content.decode()


def test_recheck_accept_late_and_refund(operator: Client, selling: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # This site takes the last of them away, since its own refunds know their viewers; another project has all three.
    monkeypatch.setattr(site.get_model_admin(public.payment_model()), "actions", PaymentAdmin.actions)
    over, late = selling.offer({SOL: 500_000_000}), selling.offer({SOL: 500_000_000})
    selling.pay(over, 600_000_000)
    selling.let_time_pass(late)
    selling.pay(late, 500_000_000)
    selling.look()
    assert selling.stands(late)[1] is Money.LATE
    assert "looks at 1 accounts next" in act(operator, "recheck", over)
    assert "1 accepted, 1 of them settled" in act(operator, "accept_late", late)
    assert selling.stands(late) == (Status.SETTLED, Money.EXACT)
    assert "1 refunds asked for" in act(operator, "ask_for_refund", over)
    assert "it was asked for already" in act(operator, "ask_for_refund", over)
    assert "nothing of it is refundable" in act(operator, "ask_for_refund", late)
    job = models.SignerJob.objects.get()
    assert (job.kind, job.amount, job.receiver) == ("refund", 100_000_000, over.recipient)


def test_looking_is_not_deciding(selling: Shop, client: Client) -> None:
    from django.contrib.auth.models import Permission

    person = make_person("clerk")
    Person.objects.filter(pk=person.pk).update(is_staff=True)
    person.refresh_from_db()
    person.user_permissions.add(
        Permission.objects.get(codename="view_payment", content_type__app_label="mutoscope_solana")
    )
    client.force_login(person)
    payment = selling.offer({SOL: 500_000_000})
    page = client.get(at("payment")).content.decode()
    assert payment.public_id in page
    assert "accept_late" not in page
    act(client, "accept_late", payment)
    payment.refresh_from_db()
    assert payment.accepts_late is False


def test_an_unmatched_receipt_is_allocated_once_or_closed_with_a_note(operator: Client, selling: Shop) -> None:
    payment = selling.offer({SOL: 500_000_000}, "reference")
    selling.pay(payment, 500_000_000, references=[])
    selling.pay(payment, 1_000_000, references=[])
    selling.look()
    big, small = models.UnmatchedReceipt.objects.order_by("-transfer__amount")
    assert "Name the payment" in operator.post(at("unmatchedreceipt", "change", big.pk), {}).content.decode()
    done = operator.post(
        at("unmatchedreceipt", "change", big.pk), {"belongs_to": payment.public_id, "note": "told by mail"}
    )
    assert done.status_code == 302
    assert selling.stands(payment) == (Status.SETTLED, Money.EXACT)
    assert operator.post(at("unmatchedreceipt", "change", big.pk), {"note": "again"}).status_code == 403
    assert operator.post(at("unmatchedreceipt", "change", small.pk), {"note": "a test of ours"}).status_code == 302
    small.refresh_from_db()
    assert (small.state, small.note) == ("closed", "a test of ours")


def test_a_tokens_mint_and_decimals_cannot_be_edited(operator: Client, selling: Shop) -> None:
    token = models.Token.objects.get(symbol="USDC")
    posted = {"symbol": "USDC", "mint": "x", "decimals": 2, "dust_below": "0.000005"}
    assert operator.post(at("token", "change", token.pk), posted).status_code == 302
    changed = models.Token.objects.get(symbol="USDC")
    assert (changed.mint, changed.decimals, changed.dust_below, changed.is_active) == (token.mint, 6, 5, False)


USDC = "USDC"


@pytest.fixture
def usdc(db: None) -> Any:
    return public.token_model().objects.create(
        symbol=USDC,
        mint="EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
        program="TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
        decimals=6,
        dust_below=10_000,
        second_opinion_from=1_500_000_000,
    )


def typed(operator: Client, token: Any, **thresholds: str) -> Any:
    form = {"symbol": token.symbol, "name": "USD Coin", "is_active": "on", "dust_below": "0", **thresholds}
    return operator.post(at("token", "change", token.pk), form)


def test_thresholds_of_a_token_are_shown_and_typed_in_its_own_units(operator: Client, usdc: Any) -> None:
    page = operator.get(at("token", "change", usdc.pk)).content.decode()
    assert 'name="dust_below" value="0.01"' in page
    assert 'name="second_opinion_from" value="1500"' in page
    assert "In USDC, as in 2.5 USDC." in page
    assert page.count("Dust below:") == page.count("Second opinion from:") == 1
    assert typed(operator, usdc, dust_below="0.25", second_opinion_from="20000.000001").status_code == 302
    usdc.refresh_from_db()
    assert (usdc.dust_below, usdc.second_opinion_from) == (250_000, 20_000_000_001)
    listed = operator.get(at("token")).content.decode()
    assert "0.25 USDC" in listed
    assert "20000.000001 USDC" in listed
    assert typed(operator, usdc, dust_below="0", second_opinion_from="").status_code == 302
    usdc.refresh_from_db()
    assert (usdc.dust_below, usdc.second_opinion_from) == (0, None)
    assert "never" in operator.get(at("token")).content.decode()
    largest = "18446744073709.551615"
    assert typed(operator, usdc, dust_below=largest, second_opinion_from=largest).status_code == 302
    usdc.refresh_from_db()
    assert usdc.dust_below == usdc.second_opinion_from == 2**64 - 1


@pytest.mark.parametrize("symbol", ["U", "usd", "USD COIN", "\u0405OL", "ABCDEFGHIJKLM", "SOL"])
def test_a_symbol_is_capital_letters_and_digits_and_no_other_tokens(operator: Client, usdc: Any, symbol: str) -> None:
    public.token_model().objects.get_or_create(mint="", defaults={"symbol": "SOL", "decimals": 9})
    answer = typed(operator, usdc, symbol=symbol)
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["symbol"]
    assert typed(operator, usdc, symbol="USD2").status_code == 302
    # One from before this was looked at stays as it is.
    public.token_model().objects.filter(pk=usdc.pk).update(symbol="mUSD")
    assert typed(operator, usdc, symbol="mUSD").status_code == 302


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        ("dust_below", "", "This field is required."),
        ("dust_below", "-1", "This has to lie between 0 and 18446744073709.551615 USDC."),
        ("dust_below", "0.0000001", "USDC has 6 decimals: write no more."),
        ("dust_below", "18446744073709.551616", "This has to lie between 0 and 18446744073709.551615 USDC."),
        ("dust_below", "9" * 60, "This has to lie between 0 and 18446744073709.551615 USDC."),
        ("second_opinion_from", "0", "This has to lie between 0.000001 and 18446744073709.551615 USDC."),
        ("second_opinion_from", "1,5", "Write a number, its decimals after a point, as in 2.5."),
        ("second_opinion_from", "1e3", "Write a number, its decimals after a point, as in 2.5."),
        ("second_opinion_from", "NaN", "Write a number, its decimals after a point, as in 2.5."),
        ("second_opinion_from", "1_000", "Write a number, its decimals after a point, as in 2.5."),
    ],
)
def test_a_threshold_that_is_none_is_refused_at_its_field_and_nothing_is_changed(
    operator: Client, usdc: Any, field: str, text: str, why: str
) -> None:
    answer = typed(operator, usdc, **{field: text})
    assert answer.status_code == 200
    assert dict(answer.context["adminform"].form.errors) == {field: [why]}
    if text:
        assert f'value="{text}"' in answer.content.decode(), "what was typed stays, to be mended"
    usdc.refresh_from_db()
    assert (usdc.name, usdc.dust_below, usdc.second_opinion_from) == ("", 10_000, 1_500_000_000)


def test_who_may_only_look_reads_thresholds_in_the_tokens_units(usdc: Any, client: Client) -> None:
    person = make_person("lena", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_token"))
    client.force_login(person)
    page = client.get(at("token", "change", usdc.pk)).content.decode()
    assert "0.01 USDC" in page
    assert "1500 USDC" in page
    assert "10000" not in page
    assert page.count("Dust below:") == page.count("Second opinion from:") == 1
