"""Transfer requests. Source: https://docs.solanapay.com/spec#specification-transfer-request"""

from __future__ import annotations

import io
from collections.abc import Iterable
from urllib.parse import quote

import segno

from mutoscope.engines.solana.conf import configuration
from mutoscope.engines.solana.payments.abstract import AbstractPayment
from mutoscope.engines.solana.payments.domain.addresses import is_address
from mutoscope.engines.solana.payments.domain.amounts import payable, plain_text
from mutoscope.engines.solana.payments.models import Price

MEMO_BYTES_MAX = 566


def transfer_link(
    recipient: str,
    amount: int,
    decimals: int,
    *,
    mint: str = "",
    references: Iterable[str] = (),
    label: str = "",
    message: str = "",
    memo: str = "",
) -> str:
    """A `solana:` link that asks a wallet for one transfer. `amount` in base units.

    `recipient` is a wallet, never a token account: the payer's wallet derives that. Raises ValueError for what no wallet
    could pay, NotPayable (one of them) for the amount.
    """
    references = list(references)
    for address in (recipient, *([mint] if mint else ()), *references):
        if not is_address(address):
            raise ValueError(f"{address!r} is not an address")
    if len(memo.encode()) > MEMO_BYTES_MAX:
        raise ValueError("a memo of that length fits no transaction")
    fields = [("amount", plain_text(payable(amount), decimals))]
    if mint:
        fields.append(("spl-token", mint))
    fields += [("reference", reference) for reference in references]
    fields += [(name, text) for name, text in (("label", label), ("message", message), ("memo", memo)) if text]
    # "%20" and not "+" for a space: wallets decode it as a URI's part, not as a form's field.
    return f"solana:{recipient}?" + "&".join(f"{name}={quote(text, safe='')}" for name, text in fields)


def payment_links(payment: AbstractPayment, *, message: str = "") -> dict[str, str]:
    """A link for each token that the payment may be paid in, by mint; empty for SOL."""
    references = [payment.reference] if payment.reference else []
    return {
        price.token.mint: transfer_link(
            payment.recipient,
            price.amount,
            price.token.decimals,
            mint=price.token.mint,
            references=references,
            label=configuration().label,
            message=message,
        )
        for price in Price.objects.filter(payment=payment.pk).select_related("token").order_by("id")
    }


def qr_svg(link: str) -> str:
    """The link as an inline SVG: black on white whatever the page's colours, with the quiet zone readers need, without a size."""
    out = io.BytesIO()
    code = segno.make_qr(link, error="m")
    code.save(out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, dark="#000", light="#fff", nl=False)
    return out.getvalue().decode()
