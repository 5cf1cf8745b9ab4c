"""Addresses, as base58 text, and the programs that payments meet. Everything is derived here; nothing is looked up."""

from __future__ import annotations

import secrets

from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

# Addresses are fixed by the network. Source: https://solana.com/docs/tokens
SYSTEM_PROGRAM = "11111111111111111111111111111111"
TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105
TOKEN_2022_PROGRAM = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105
TOKEN_PROGRAMS = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)


def is_address(text: str) -> bool:
    """Whether the text is 32 bytes in base58, written the one way an address is written."""
    try:
        return str(Pubkey.from_string(text)) == text
    except ValueError:
        return False


def associated_token_account(wallet: str, mint: str, program: str) -> str:
    """The one account in which a wallet holds a token by convention. Derived here: looking it up would trust a node."""
    parts = [Pubkey.from_string(part) for part in (wallet, mint, program)]
    return str(get_associated_token_address(*parts))


def holding_account(wallet: str, mint: str, program: str) -> str:
    """Where a wallet's tokens lie: the wallet itself for SOL (an empty mint), else its associated token account."""
    return associated_token_account(wallet, mint, program) if mint else wallet


def new_reference() -> str:
    """A unique address to mark one payment's transaction with. No key exists for it, and none is needed."""
    return str(Pubkey(secrets.token_bytes(32)))
