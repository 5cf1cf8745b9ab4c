"""A payment as its payer sees it: what events say, and what is still missing."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum

from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.describing import describe
from mutoscope.engines.solana.payments.domain.amounts import plain_text
from mutoscope.engines.solana.payments.domain.states import Money
from mutoscope.engines.solana.payments.models import Price, Transfer


def standing(payment: AbstractPayment) -> dict[str, Any]:
    """`describe`, with `received` and `missing` as texts of whole tokens, by mint. Two queries. Metadata stays out."""
    prices = list(Price.objects.filter(payment_id=payment.pk).select_related("token").order_by("id"))
    sums: dict[int, Any] = dict(
        Transfer.objects.filter(payment_id=payment.pk, amount__gt=0, token__isnull=False)
        .values_list("token_id")
        .annotate(sum=Sum("amount"))
    )
    received, missing = {}, {}
    for price in prices:
        have = int(sums.get(price.token_id, 0))
        received[price.token.mint] = plain_text(have, price.token.decimals)
        if payment.money == Money.PARTIAL and 0 < have < price.amount:
            missing[price.token.mint] = plain_text(price.amount - have, price.token.decimals)
    return {**describe(payment, prices), "received": received, "missing": missing}
