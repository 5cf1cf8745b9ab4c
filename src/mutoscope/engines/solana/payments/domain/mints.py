"""Mint accounts, read from their bytes: decimals, and the Token-2022 extensions that could change what a transfer means.

Source: the state modules of solana-program/token and solana-program/token-2022 (type, length, value from byte 166 on).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mutoscope.engines.solana.payments.domain.addresses import TOKEN_2022_PROGRAM, TOKEN_PROGRAMS

MINT_BYTES = 82
_KIND_AT, _MINT_KIND = 165, 1
_EXTENSIONS_AT = 166
_NAMES = {
    1: "transfer_fee",
    3: "mint_close_authority",
    4: "confidential_transfer",
    6: "default_account_state",
    9: "non_transferable",
    10: "interest_bearing",
    12: "permanent_delegate",
    14: "transfer_hook",
    16: "confidential_transfer_fee",
    18: "metadata_pointer",
    19: "token_metadata",
    20: "group_pointer",
    21: "token_group",
    22: "group_member_pointer",
    23: "token_group_member",
    24: "confidential_mint_burn",
    25: "scaled_ui_amount",
    26: "pausable",
}
# They describe a token and touch no transfer, so no operator has to allow them.
HARMLESS = frozenset(
    {"metadata_pointer", "token_metadata", "group_pointer", "token_group", "group_member_pointer", "token_group_member"}
)


class NotAMint(ValueError):
    """The account is not a mint of a token program."""


@dataclass(frozen=True)
class Mint:
    """What a mint account says."""

    program: str
    decimals: int
    extensions: frozenset[str]


def read_mint(program: str, data: bytes) -> Mint:
    """A mint out of its account's owner and bytes. An extension nobody has heard of is called by its number. Raises NotAMint."""
    if program not in TOKEN_PROGRAMS or len(data) < MINT_BYTES or data[45] != 1:
        raise NotAMint("not a mint of a token program")
    if len(data) == MINT_BYTES:
        return Mint(program, data[44], frozenset())
    if program != TOKEN_2022_PROGRAM or len(data) <= _KIND_AT or data[_KIND_AT] != _MINT_KIND:
        raise NotAMint("not a mint of a token program")
    found = set()
    at = _EXTENSIONS_AT
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        if kind:
            found.add(_NAMES.get(kind, f"extension_{kind}"))
        elif length == 0:
            break
        at += 4 + length
    return Mint(program, data[44], frozenset(found))


def problems(mint: Mint, *, program: str, decimals: int, allowed: frozenset[str]) -> list[str]:
    """Why a token that is configured like this must not be accepted; empty if it may."""
    found = []
    if mint.program != program:
        found.append(f"its program is {mint.program}, not {program}")
    if mint.decimals != decimals:
        found.append(f"it has {mint.decimals} decimals, not {decimals}")
    if surplus := mint.extensions - allowed - HARMLESS:
        found.append(f"it has extensions that are not allowed: {', '.join(sorted(surplus))}")
    return found
