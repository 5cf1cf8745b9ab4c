"""`{% load solana_panel %} {% solana_pay_panel payment %}`: everything a payer needs, without a build step."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.safestring import mark_safe

from mutoscope.engines.solana.endpoints import standing, token_of
from mutoscope.engines.solana.links import payment_links, qr_svg
from mutoscope.engines.solana.payments.abstract import AbstractPayment

register = template.Library()

STEPS = (
    ("waiting", "Waiting for your payment"),
    ("seen", "Seen on the network"),
    ("confirmed", "Confirmed"),
    ("settled", "Paid"),
)


@register.inclusion_tag("mutoscope_solana/panel.html", takes_context=True)
def solana_pay_panel(
    context: template.Context, payment: AbstractPayment, message: str = "", success_url: str = ""
) -> dict[str, Any]:
    """The panel of one payment. Show it to whom may pay: it holds the payment's token. Needs the endpoints' urls.

    `message` is shown by wallet apps. `success_url` is opened once the payment is settled; it is the project's own, never
    taken from the request.
    """
    links = payment_links(payment, message=message)
    stands = standing(payment)
    prices = [
        {
            **price,
            "link": links[price["mint"]],
            # Made here from a link of ours; nothing in it is text that somebody typed.
            "qr": mark_safe(qr_svg(links[price["mint"]])),  # noqa: S308
            "missing": stands["missing"].get(price["mint"], ""),
        }
        for price in stands["prices"]
    ]
    names = [name for name, _ in STEPS]
    at = names.index(stands["status"]) if stands["status"] in names else -1
    return {
        "payment": payment,
        "prices": prices,
        "stands": stands,
        "steps": [{"name": name, "text": text, "done": n <= at} for n, (name, text) in enumerate(STEPS)],
        "is_open": stands["status"] in names[:-1],
        "status_url": reverse("mutoscope_solana:status", args=[payment.public_id]),
        "token": token_of(payment),
        "success_url": success_url,
        "nonce": str(getattr(context.get("request"), "csp_nonce", "") or ""),
    }
