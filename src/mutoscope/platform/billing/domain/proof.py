"""The words that the holder of an address signs, so that a payout goes to nobody who merely typed an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

WORDS = """{site} asks: is this address yours?

Signing this moves no money and allows nothing but this: the earnings of the channel below are paid to the address below.

Site: {site}
Account: {account}
Channel: {channel}
Address: {address}
Nonce: {nonce}
Valid until: {until}"""


REFUND_WORDS = """{site} asks: is this address yours?

Signing this moves no money and allows nothing but this: what came beyond the price of the top-up below is sent to the address below.

Site: {site}
Account: {account}
Top-up: {top_up}
Address: {address}
Nonce: {nonce}
Valid until: {until}"""


@dataclass(frozen=True, slots=True)
class Claim:
    """That an address belongs to an account. `nonce` is used once; `until` is the last moment to sign it."""

    site: str
    account: str
    channel: str
    address: str
    nonce: str
    until: datetime

    def message(self) -> str:
        """What is signed, byte for byte, in UTF-8. Names of accounts and channels hold no line breaks (accounts' `parse_name`)."""
        return WORDS.format(
            site=self.site,
            account=self.account,
            channel=self.channel,
            address=self.address,
            nonce=self.nonce,
            until=_written(self.until),
        )


@dataclass(frozen=True, slots=True)
class RefundClaim:
    """The same for the money of a top-up, by its number."""

    site: str
    account: str
    top_up: int
    address: str
    nonce: str
    until: datetime

    def message(self) -> str:
        """What is signed, byte for byte, in UTF-8."""
        return REFUND_WORDS.format(
            site=self.site,
            account=self.account,
            top_up=self.top_up,
            address=self.address,
            nonce=self.nonce,
            until=_written(self.until),
        )


def _written(until: datetime) -> str:
    return until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
