"""`{% load solana_panel %} {% solana_pay_panel payment %}`: everything a payer needs, without a build step."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.safestring import mark_safe

from mutoscope.engines.solana.conf import configuration
from mutoscope.engines.solana.endpoints import standing, token_of
from mutoscope.engines.solana.links import qr_svg, transfer_link
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.domain.amounts import base_units

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
    stands = standing(payment)
    prices = [_shown(payment, price, stands["missing"].get(price["mint"], ""), message) for price in stands["prices"]]
    names = [name for name, _ in STEPS]
    at = names.index(stands["status"]) if stands["status"] in names else -1
    return {
        "payment": payment,
        "prices": prices,
        "stands": stands,
        "steps": [{"name": name, "text": text, "done": n <= at} for n, (name, text) in enumerate(STEPS)],
        "status_url": reverse("mutoscope_solana:status", args=[payment.public_id]),
        "token": token_of(payment),
        "success_url": success_url,
        # Asked for as a text and not for its truth: django-csp's is false until somebody has asked for it.
        "nonce": str(getattr(context.get("request"), "csp_nonce", "")),
    }


def _shown(payment: AbstractPayment, price: dict[str, Any], missing: str, message: str) -> dict[str, Any]:
    # After a part has arrived, the link asks for the rest: asking for the whole again would make people pay too much.
    link = transfer_link(
        payment.recipient,
        base_units(missing, price["decimals"]) if missing else int(price["amount"]),
        price["decimals"],
        mint=price["mint"],
        references=[payment.reference] if payment.reference else [],
        label=configuration().label,
        message=message,
    )
    # The picture is made here from a link of ours; nothing in it is text that somebody typed.
    return {**price, "link": link, "qr": mark_safe(qr_svg(link)), "missing": missing, "due": missing or price["text"]}  # noqa: S308
