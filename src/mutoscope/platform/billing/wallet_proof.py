"""Addresses of wallets as people type them, and the signature that proves that somebody holds one."""

from __future__ import annotations

from solders.pubkey import Pubkey
from solders.signature import Signature

from mutoscope.platform.billing.failures import Unacceptable

ADDRESS_LENGTH_MAX, SIGNATURE_LENGTH_MAX = 44, 88


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


def is_signed(message: str, address: str, signature: str) -> bool:
    """Whether this is the address's Ed25519 signature of the message's bytes. solders' verification is strict about malleable ones."""
    try:
        given = Signature.from_string(signature[: SIGNATURE_LENGTH_MAX + 1])
    except ValueError:
        return False
    return given.verify(Pubkey.from_string(address), message.encode())


def wrong_signature(address: str) -> str:
    """What to say where it is not."""
    return (
        f"This is not the signature of {address} over the message above. Sign it with that very wallet, "
        "unchanged, and paste the signature in base58."
    )
