"""Keys from a seed by SLIP-0010 for ed25519, where every step is hardened: without the seed nobody derives even an address.

Source: https://github.com/satoshilabs/slips/blob/master/slip-0010.md
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from django.views.decorators.debug import sensitive_variables
from solders.keypair import Keypair

from mutoscope.engines.solana.keys.secret import Secret

HARDENED = 2**31
# The largest index a hardened step can carry; also the largest a wallet can have.
WALLET_INDEX_MAX = HARDENED - 1
SEED_BYTES = (16, 64)

_PATH = re.compile(r"m(?:/\d{1,10}')*")


@dataclass(frozen=True, slots=True)
class Node:
    """One key of the tree: its private key and chain code, 32 bytes each."""

    key: Secret
    chain_code: Secret

    def public_key(self) -> bytes:
        """The 32 bytes of the public key."""
        return bytes(self.keypair().pubkey())

    def keypair(self) -> Keypair:
        """For signing. Its `str` prints the private key: let it live for one expression only."""
        return Keypair.from_seed(self.key.reveal())


@sensitive_variables()
def derive(seed: Secret, path: str) -> Node:
    """The key at a path such as `m/44'/501'/7'/0'`. Raises ValueError for a path with a step that is not hardened.

    The seed has 16 to 64 bytes.
    """
    steps = parse_path(path)
    revealed = seed.reveal()
    if not SEED_BYTES[0] <= len(revealed) <= SEED_BYTES[1]:
        raise ValueError(f"A seed has {SEED_BYTES[0]} to {SEED_BYTES[1]} bytes.")
    node = _hash(b"ed25519 seed", revealed)
    for step in steps:
        message = b"\x00" + node[:32] + (HARDENED + step).to_bytes(4, "big")
        node = _hash(node[32:], message)
    return Node(Secret(node[:32]), Secret(node[32:]))


def parse_path(path: str) -> tuple[int, ...]:
    """The steps of a path, without their mark of hardening. Raises ValueError."""
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is not a path of hardened steps such as m/44'/501'/7'/0'")
    steps = tuple(int(step[:-1]) for step in path.split("/")[1:])
    if any(step > WALLET_INDEX_MAX for step in steps):
        raise ValueError(f"{path!r} has a step above {WALLET_INDEX_MAX}")
    return steps


def wallet_path(index: int) -> str:
    """Where the one-time wallet of an index lies: what other Solana wallets call account `index`."""
    return f"m/44'/501'/{index}'/0'"


def operator_path(account: int) -> str:
    """Where the operator's own accounts lie, in a seed of their own: 0 pays fees, 1 pays out."""
    return f"m/44'/501'/{account}'/0'"


@sensitive_variables()
def _hash(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha512).digest()
