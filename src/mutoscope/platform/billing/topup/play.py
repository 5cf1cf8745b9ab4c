"""The sandbox's wallet, which pays a link with play money. Absent in production."""

from __future__ import annotations

import httpx

TIMEOUT_S = 10.0


class PlayMoneyRefused(Exception):
    """The sandbox wallet did not pay. The text says why, for the page."""


def pay(wallet: str, link: str) -> None:
    """Have the wallet at this address sign and send what the link asks for. Raises PlayMoneyRefused."""
    try:
        answer = httpx.post(f"{wallet}/wallet/pay", json={"link": link}, timeout=TIMEOUT_S, trust_env=False)
    except httpx.HTTPError:
        raise PlayMoneyRefused(
            "The sandbox chain does not answer. Is it running? Nothing was paid, as far as is known."
        ) from None
    if answer.is_error:
        raise PlayMoneyRefused(f"The sandbox wallet refused to pay ({answer.status_code}).")
