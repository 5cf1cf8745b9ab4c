"""The byte layouts of the programs that money on Solana needs: instructions to build, accounts to read.

Sources: the instruction and state modules of `solana-program/{system,token,token-2022,associated-token-account,memo}`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.token import ID as TOKEN_PROGRAM
from solders.token.associated import get_associated_token_address

__all__ = ["SYSTEM_PROGRAM", "TOKEN_PROGRAM"]

TOKEN_2022_PROGRAM = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN_PROGRAM = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
MEMO_PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
OLD_MEMO_PROGRAM = Pubkey.from_string("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")
COMPUTE_BUDGET_PROGRAM = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
TOKEN_PROGRAMS = frozenset({TOKEN_PROGRAM, TOKEN_2022_PROGRAM})

MINT_BYTES = 82
TOKEN_ACCOUNT_BYTES = 165
# Token-2022 writes here what an account is, when it has extensions.
KIND_AT = 165
MINT_KIND, TOKEN_ACCOUNT_KIND = 1, 2
# A mint padded to a token account's size, the kind, and the fee extension's head and body.
FEE_MINT_BYTES = TOKEN_ACCOUNT_BYTES + 1 + 4 + 108


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """What a token account says. `amount` in base units; `state` is 1 for initialised, 2 for frozen."""

    mint: Pubkey
    owner: Pubkey
    amount: int
    delegate: Pubkey | None
    state: int
    native_rent: int | None
    delegated_amount: int
    close_authority: Pubkey | None


def token_account(account: Account) -> TokenAccount | None:
    """The account read as a token account, or None when it is none."""
    if account.owner not in TOKEN_PROGRAMS:
        return None
    data = bytes(account.data)
    if len(data) < TOKEN_ACCOUNT_BYTES or (len(data) > KIND_AT and data[KIND_AT] != TOKEN_ACCOUNT_KIND):
        return None
    if data[108] == 0:
        return None
    (amount,) = struct.unpack_from("<Q", data, 64)
    (native,) = struct.unpack_from("<Q", data, 113)
    (delegated,) = struct.unpack_from("<Q", data, 121)
    return TokenAccount(
        mint=Pubkey.from_bytes(data[0:32]),
        owner=Pubkey.from_bytes(data[32:64]),
        amount=amount,
        delegate=optional_key(data, 72),
        state=data[108],
        native_rent=native if data[109] else None,
        delegated_amount=delegated,
        close_authority=optional_key(data, 129),
    )


@dataclass(frozen=True, slots=True)
class Mint:
    """What a mint says. `supply` in base units."""

    authority: Pubkey | None
    supply: int
    decimals: int
    freeze_authority: Pubkey | None


def mint(account: Account) -> Mint | None:
    """The account read as a mint, or None when it is none."""
    if account.owner not in TOKEN_PROGRAMS:
        return None
    data = bytes(account.data)
    is_mint = len(data) == MINT_BYTES or (len(data) > KIND_AT and data[KIND_AT] == MINT_KIND)
    if not is_mint or data[45] == 0:
        return None
    (supply,) = struct.unpack_from("<Q", data, 36)
    return Mint(optional_key(data, 0), supply, data[44], optional_key(data, 46))


def mint_decimals(account: Account) -> int | None:
    """How many decimals a mint's amounts have, or None when the account is no mint."""
    found = mint(account)
    return None if found is None else found.decimals


def optional_key(data: bytes, at: int) -> Pubkey | None:
    """A C-style option: four bytes that say whether, and the key."""
    return Pubkey.from_bytes(data[at + 4 : at + 36]) if data[at] else None


def initialize_mint(mint: Pubkey, decimals: int, authority: Pubkey, program: Pubkey) -> Instruction:
    data = bytes([20, decimals]) + bytes(authority) + b"\x00"
    return Instruction(program, data, [AccountMeta(mint, False, True)])


def initialize_transfer_fee(mint: Pubkey, authority: Pubkey, basis_points: int, fee_max: int) -> Instruction:
    """Token-2022's fee on transfers: `basis_points` of the amount, at most `fee_max` base units."""
    key = b"\x01" + bytes(authority)
    data = bytes([26, 0]) + key + key + struct.pack("<HQ", basis_points, fee_max)
    return Instruction(TOKEN_2022_PROGRAM, data, [AccountMeta(mint, False, True)])


def mint_to(mint: Pubkey, into: Pubkey, authority: Pubkey, amount: int, decimals: int, program: Pubkey) -> Instruction:
    accounts = [AccountMeta(mint, False, True), AccountMeta(into, False, True), AccountMeta(authority, True, False)]
    return Instruction(program, struct.pack("<BQB", 14, amount, decimals), accounts)


def transfer_token(
    source: Pubkey, mint: Pubkey, into: Pubkey, authority: Pubkey, amount: int, decimals: int, program: Pubkey
) -> Instruction:
    """TransferChecked: `amount` base units from one token account into another."""
    accounts = [
        AccountMeta(source, False, True),
        AccountMeta(mint, False, False),
        AccountMeta(into, False, True),
        AccountMeta(authority, True, False),
    ]
    return Instruction(program, struct.pack("<BQB", 12, amount, decimals), accounts)


def create_associated_account(payer: Pubkey, owner: Pubkey, mint: Pubkey, program: Pubkey) -> Instruction:
    """Make the owner's token account for a mint unless it is there already."""
    account = get_associated_token_address(owner, mint, program)
    accounts = [
        AccountMeta(payer, True, True),
        AccountMeta(account, False, True),
        AccountMeta(owner, False, False),
        AccountMeta(mint, False, False),
        AccountMeta(SYSTEM_PROGRAM, False, False),
        AccountMeta(program, False, False),
    ]
    return Instruction(ASSOCIATED_TOKEN_PROGRAM, b"\x01", accounts)


def memo(text: str) -> Instruction:
    return Instruction(MEMO_PROGRAM, text.encode(), [])


def compute_unit_limit(units: int) -> Instruction:
    return Instruction(COMPUTE_BUDGET_PROGRAM, struct.pack("<BI", 2, units), [])
