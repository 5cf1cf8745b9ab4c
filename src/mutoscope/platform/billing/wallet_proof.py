"""Addresses of wallets as people type them, and the signature that proves that somebody holds one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from solders.pubkey import Pubkey
from solders.signature import Signature

from mutoscope.platform.billing.failures import NotProven, Unacceptable

ADDRESS_LENGTH_MAX, SIGNATURE_LENGTH_MAX = 44, 88
# How long a message can be signed.
VALID_FOR = timedelta(minutes=10)


def parse_wallet(typed: str) -> str:
    """The address of a wallet, as it was typed. Raises Unacceptable, also for one that nobody can hold a key to."""
    try:
        address = Pubkey.from_string(typed.strip()[: ADDRESS_LENGTH_MAX + 1])
    except ValueError:
        raise Unacceptable(where="address", why="This is not a Solana address: 32 to 44 letters and digits.") from None
    if not address.is_on_curve():
        why = "Nobody can hold a key to this address: it is a program's or a token account's. Name your wallet's own."
        raise Unacceptable(where="address", why=why)
    return str(address)


class Claimed(Protocol):
    """A row with the message that the holder of an address was given to sign, and until when."""

    message: str
    address: str
    expires_at: datetime


def check_proof(claim: Claimed, signature: str, now: datetime) -> None:
    """Raises NotProven unless this is the address's Ed25519 signature of the message's bytes, in base58, and came in time."""
    if now > claim.expires_at:
        raise NotProven(why="The message is too old. Begin again with a new one.")
    try:
        given = Signature.from_string(signature[: SIGNATURE_LENGTH_MAX + 1])
    except ValueError:
        given = None
    # solders' verification is strict about malleable ones.
    if given is None or not given.verify(Pubkey.from_string(claim.address), claim.message.encode()):
        why = (
            f"This is not the signature of {claim.address} over the message above. Sign it with that very wallet, "
            "unchanged, and paste the signature in base58."
        )
        raise NotProven(why=why)
