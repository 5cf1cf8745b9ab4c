"""The instructions that the signer gives, of the programs that every cluster has. Each function returns one instruction.

Layouts: https://github.com/solana-program/token, https://github.com/solana-program/token-2022 (extension/transfer_fee) and
https://github.com/solana-program/associated-token-account. The tests compare each with another library's.
"""

from __future__ import annotations

import struct

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, transfer

TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
# Closing an account of wrapped SOL gives away the SOL inside, where any other mint's account refuses to be closed.
WRAPPED_SOL = Pubkey.from_string("So11111111111111111111111111111111111111112")

CLOSE_ACCOUNT = bytes([9])
TRANSFER_CHECKED = 12
TRANSFER_FEE_EXTENSION = 26
HARVEST_TO_MINT = 4
CREATE_IDEMPOTENT = bytes([1])


def token_account(owner: Pubkey, mint: Pubkey, program: Pubkey) -> Pubkey:
    """The address of a wallet's associated token account."""
    address, _ = Pubkey.find_program_address([bytes(owner), bytes(program), bytes(mint)], ASSOCIATED_TOKEN)
    return address


def send_lamports(origin: Pubkey, to: Pubkey, lamports: int) -> Instruction:
    """Lamports from one wallet to another."""
    return transfer(TransferParams(from_pubkey=origin, to_pubkey=to, lamports=lamports))


def send_tokens(
    program: Pubkey, mint: Pubkey, origin: Pubkey, to: Pubkey, owner: Pubkey, amount: int, decimals: int
) -> Instruction:
    """Tokens from one token account to another; the program checks mint and decimals."""
    data = struct.pack("<BQB", TRANSFER_CHECKED, amount, decimals)
    accounts = [_writable(origin), _readable(mint), _writable(to), _signing(owner)]
    return Instruction(program, data, accounts)


def create_token_account(payer: Pubkey, owner: Pubkey, mint: Pubkey, program: Pubkey) -> Instruction:
    """A wallet's associated token account; nothing where it exists. The payer pays its rent."""
    accounts = [
        AccountMeta(payer, is_signer=True, is_writable=True),
        _writable(token_account(owner, mint, program)),
        _readable(owner),
        _readable(mint),
        _readable(SYSTEM),
        _readable(program),
    ]
    return Instruction(ASSOCIATED_TOKEN, CREATE_IDEMPOTENT, accounts)


def close_token_account(program: Pubkey, account: Pubkey, rent_to: Pubkey, owner: Pubkey) -> Instruction:
    """Close an empty token account. The program refuses while a token is in it."""
    return Instruction(program, CLOSE_ACCOUNT, [_writable(account), _writable(rent_to), _signing(owner)])


def harvest_withheld_fees(mint: Pubkey, account: Pubkey) -> Instruction:
    """Move a Token-2022 account's withheld fees to its mint, without which it cannot be closed. Anybody may."""
    return Instruction(
        TOKEN_2022, bytes([TRANSFER_FEE_EXTENSION, HARVEST_TO_MINT]), [_writable(mint), _writable(account)]
    )


def _readable(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, is_signer=False, is_writable=False)


def _writable(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, is_signer=False, is_writable=True)


def _signing(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, is_signer=True, is_writable=False)
