"""What becomes of payments when something is known that was not: the verdict, written, with the news of it.

Callers hold the payments' rows locked, in the order of their ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from mutoscope.engines.solana.outbox.writing import News, write
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.describing import describe
from mutoscope.engines.solana.payments.domain.states import Money, Receipt, Status, Verdict, judge, may_move
from mutoscope.engines.solana.payments.domain.states import Price as Asked
from mutoscope.engines.solana.payments.models import Price, Transfer
from mutoscope.engines.solana.payments.rows import update_rows
from mutoscope.engines.solana.payments.swapped import payment_model

OPEN = (Status.WAITING.value, Status.SEEN.value, Status.CONFIRMED.value)
# In one commit, so that neither locks nor memory grow with how many pay at once.
SHOWN_AT_ONCE = 500
# What a money state that is not simply "paid" is called in the news.
_CALLED = {
    Money.PARTIAL: "partial",
    Money.OVER: "excess",
    Money.DOUBLE: "excess",
    Money.LATE: "late",
    Money.FOREIGN: "foreign",
}
WRITTEN = (
    "status",
    "money",
    "paid_in",
    "signature",
    "settled_at",
    "changed_at",
    "confirmed_at",
    "seen_at",
    "expired_at",
)


def assess(payments: Sequence[AbstractPayment]) -> list[News]:
    """Judge locked payments anew by all that is recorded for them; write it, and return what to tell."""
    prices, receipts = prices_of(payments), _receipts(payments)
    now = timezone.now()
    news: list[News] = []
    for payment in payments:
        asked = [Asked(price.token_id, price.amount) for price in prices[payment.pk]]
        verdict = judge(
            asked,
            receipts[payment.pk],
            payment.expires_at,
            paid_in=payment.paid_in_id,
            accepts_late=payment.accepts_late,
        )
        was_settled = payment.status == Status.SETTLED
        _apply(payment, verdict, now)
        told = describe(payment, prices[payment.pk], _by_mint(verdict, prices[payment.pk]))
        if payment.status == Status.SETTLED and not was_settled:
            news.append(News(f"{payment.public_id}:settled", "settled", payment.pk, told))
        if verdict.money in _CALLED and receipts[payment.pk]:
            newest = max(receipts[payment.pk], key=lambda each: (each.slot, each.signature))
            called = _CALLED[verdict.money]
            news.append(News(f"{payment.public_id}:{called}:{newest.signature}", called, payment.pk, told))
    update_rows(payments, WRITTEN)
    return news


def refundable(payment: AbstractPayment) -> dict[int, int]:
    """What it got beyond its price, in base units by token, before any refund. The caller holds the payment locked."""
    verdict = judge(
        [Asked(price.token_id, price.amount) for price in prices_of([payment])[payment.pk]],
        _receipts([payment])[payment.pk],
        payment.expires_at,
        paid_in=payment.paid_in_id,
        accepts_late=payment.accepts_late,
    )
    return dict(verdict.refundable)


def show_progress(statuses: Mapping[int, Status]) -> None:
    """Show what is seen or confirmed and not final yet, or no longer there, by payment id. Settles nothing."""
    ids = sorted(statuses)
    for start in range(0, len(ids), SHOWN_AT_ONCE):
        _show({payment_id: statuses[payment_id] for payment_id in ids[start : start + SHOWN_AT_ONCE]})


def _show(statuses: Mapping[int, Status]) -> None:
    now = timezone.now()
    with transaction.atomic():
        locked = (
            payment_model()
            .objects.filter(pk__in=statuses, status__in=OPEN)
            .order_by("pk")
            .select_for_update(no_key=True)
        )
        moved = []
        for payment in locked:
            after = statuses[payment.pk]
            if after == payment.status or not may_move(Status(payment.status), after):
                continue
            payment.status, payment.changed_at = after.value, now
            if after is not Status.WAITING:
                payment.seen_at = payment.seen_at or now
            if after is Status.CONFIRMED:
                payment.confirmed_at = payment.confirmed_at or now
            moved.append(payment)
        if not moved:
            return
        update_rows(moved, ("status", "changed_at", "seen_at", "confirmed_at"))
        prices = prices_of(moved)
        write(
            News(
                f"{payment.public_id}:{payment.status}",
                payment.status,
                payment.pk,
                describe(payment, prices[payment.pk]),
            )
            for payment in moved
            if payment.status != Status.WAITING
        )


def _apply(payment: AbstractPayment, verdict: Verdict, now: datetime) -> None:
    payment.money, payment.changed_at = verdict.money.value, now
    if verdict.paid_in is None or payment.status == Status.SETTLED:
        # What was only confirmed is recorded now and was not enough: the payer is waited for again.
        if payment.status in OPEN:
            payment.status = Status.WAITING.value
        return
    payment.status = Status.SETTLED.value
    payment.paid_in_id = verdict.paid_in
    payment.signature = verdict.completed_by
    payment.seen_at = payment.seen_at or now
    payment.confirmed_at = payment.confirmed_at or now
    payment.settled_at = now


def _by_mint(verdict: Verdict, prices: Iterable[Price]) -> dict[str, int]:
    mints = {price.token_id: price.token.mint for price in prices}
    return {mints[token]: amount for token, amount in verdict.refundable.items() if token in mints}


def prices_of(payments: Sequence[AbstractPayment]) -> dict[int, list[Price]]:
    """What was offered, by payment id, each with its token."""
    found: dict[int, list[Price]] = defaultdict(list)
    for price in (
        Price.objects.filter(payment__in=[payment.pk for payment in payments]).select_related("token").order_by("id")
    ):
        found[price.payment_id].append(price)
    return found


def _receipts(payments: Sequence[AbstractPayment]) -> dict[int, list[Receipt]]:
    found: dict[int, list[Receipt]] = defaultdict(list)
    rows = Transfer.objects.filter(payment__in=[payment.pk for payment in payments], amount__gt=0)
    for payment_id, slot, signature, token_id, amount, at in rows.values_list(
        "payment_id", "slot", "signature", "token_id", "amount", "block_time"
    ):
        assert payment_id is not None
        found[payment_id].append(Receipt(slot, signature, token_id, amount, at))
    return found
