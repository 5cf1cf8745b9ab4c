"""Solana Pay links, to the letter of the specification."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from mutoscope.engines.solana import public
from mutoscope.engines.solana.payments.domain.amounts import NotPayable
from tests.engines.solana.payments.shop import SOL, USDC, Shop

WALLET = "mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN"
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
REFERENCE = "82ZJ7nbGpixjeDCmEhUcmwXYfvurzAgGdtSMuHnUgyny"


def test_a_link_for_sol() -> None:
    link = public.transfer_link(
        WALLET, 1_000_000_000, 9, label="Michael's shop", message="Thanks for all the fish", memo="Order#12&34"
    )
    assert link == (
        f"solana:{WALLET}?amount=1&label=Michael%27s%20shop&message=Thanks%20for%20all%20the%20fish&memo=Order%2312%2634"
    )


def test_a_link_for_a_token_with_references() -> None:
    link = public.transfer_link(WALLET, 10_000, 6, mint=MINT, references=[REFERENCE, WALLET])
    assert link == f"solana:{WALLET}?amount=0.01&spl-token={MINT}&reference={REFERENCE}&reference={WALLET}"


def test_texts_come_back_as_they_were() -> None:
    text = "50% off & more = 🎬 #1 +tax?"
    link = public.transfer_link(WALLET, 1, 0, label=text)
    assert parse_qs(urlsplit(link).query)["label"] == [text]


@pytest.mark.parametrize("recipient", ["", "short", WALLET + "x", "0" * 44, f" {WALLET}"])
def test_what_is_no_address_makes_no_link(recipient: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        public.transfer_link(recipient, 1, 9)


def test_what_cannot_be_paid_makes_no_link() -> None:
    with pytest.raises(NotPayable):
        public.transfer_link(WALLET, 0, 9)


def test_a_payment_has_a_link_for_each_token(shop: Shop) -> None:
    payment = shop.offer({SOL: 500_000_000, USDC: 70_500_000}, "reference")
    links = public.payment_links(payment)
    assert links[SOL] == f"solana:{payment.recipient}?amount=0.5&reference={payment.reference}"
    assert links[USDC] == f"solana:{payment.recipient}?amount=70.5&spl-token={USDC}&reference={payment.reference}"


def test_a_qr_code_is_an_svg_without_a_size_or_a_script() -> None:
    svg = public.qr_svg(public.transfer_link(WALLET, 1, 9))
    assert svg.startswith("<svg")
    assert "viewBox" in svg
    assert "script" not in svg
