"""What a fresh chain holds: a faucet full of play money, a test USDC, and a Token-2022 mint that takes a fee."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from solders.account import Account
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain import programs
from mutoscope.engines.solana.chain.bank import Bank

LAMPORTS_PER_SOL = 1_000_000_000
FAUCET_LAMPORTS = 500_000_000 * LAMPORTS_PER_SOL
COMPUTE_UNITS = 200_000


def _published_key(name: str) -> Keypair:
    """A key that anybody can derive: worthless anywhere but on a sandbox chain, and the same on each of them."""
    return Keypair.from_seed(hashlib.sha256(f"mutoscope sandbox chain: {name}".encode()).digest())


@dataclass(frozen=True, slots=True)
class TestToken:
    """A token of the sandbox chain. The fee is taken from what is transferred."""

    # No test case, whatever pytest thinks of the name.
    __test__: ClassVar[bool] = False

    symbol: str
    mint: Pubkey
    program: Pubkey
    decimals: int
    fee_basis_points: int = 0
    fee_max: int = 0

    def account_of(self, owner: Pubkey) -> Pubkey:
        """The owner's associated token account."""
        return get_associated_token_address(owner, self.mint, self.program)


FAUCET = _published_key("faucet")
MINT_AUTHORITY = _published_key("mint authority")
_USDC_KEY = _published_key("test USDC")
_FEE_KEY = _published_key("test token with a fee")
TEST_USDC = TestToken("USDC", _USDC_KEY.pubkey(), programs.TOKEN_PROGRAM, 6)
# One per cent, at most 5 tokens.
TEST_FEE_TOKEN = TestToken("FEE", _FEE_KEY.pubkey(), programs.TOKEN_2022_PROGRAM, 6, 100, 5_000_000)
TEST_TOKENS = {token.mint: token for token in (TEST_USDC, TEST_FEE_TOKEN)}


class Faucet:
    """Gives play money, by ordinary transactions that it signs and pays for."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._given = int.from_bytes(bank.store.fact("given") or b"\0", "big")

    def found(self) -> None:
        """Fill the faucet and create the tokens: once in a chain's life."""
        self._bank.put(FAUCET.pubkey(), Account(FAUCET_LAMPORTS, b"", programs.SYSTEM_PROGRAM))
        authority = MINT_AUTHORITY.pubkey()
        for token, key in ((TEST_USDC, _USDC_KEY), (TEST_FEE_TOKEN, _FEE_KEY)):
            space = programs.FEE_MINT_BYTES if token.fee_basis_points else programs.MINT_BYTES
            lamports = self._bank.rent_exempt_minimum(space)
            instructions = [
                create_account(
                    CreateAccountParams(
                        from_pubkey=FAUCET.pubkey(),
                        to_pubkey=token.mint,
                        lamports=lamports,
                        space=space,
                        owner=token.program,
                    )
                )
            ]
            if token.fee_basis_points:
                instructions.append(
                    programs.initialize_transfer_fee(token.mint, authority, token.fee_basis_points, token.fee_max)
                )
            instructions.append(programs.initialize_mint(token.mint, token.decimals, authority, token.program))
            self._send(instructions, key)

    def give_lamports(self, to: Pubkey, lamports: int) -> Signature:
        """Raises Refused, for example below the rent-exempt minimum of a new account."""
        return self._send([transfer(TransferParams(from_pubkey=FAUCET.pubkey(), to_pubkey=to, lamports=lamports))])

    def give_tokens(self, token: TestToken, to: Pubkey, amount: int) -> Signature:
        """Mint `amount` base units to the owner's associated token account, which is made where it is missing."""
        account = token.account_of(to)
        instructions = [
            programs.create_associated_account(FAUCET.pubkey(), to, token.mint, token.program),
            programs.mint_to(token.mint, account, MINT_AUTHORITY.pubkey(), amount, token.decimals, token.program),
        ]
        return self._send(instructions, MINT_AUTHORITY)

    def _send(self, instructions: list[Instruction], *signers: Keypair) -> Signature:
        with self._bank.lock:
            # Two gifts alike in one slot would be one transaction: a unit limit of its own tells each from the others.
            self._given += 1
            self._bank.store.set_fact("given", self._given.to_bytes(8, "big"))
            unique = programs.compute_unit_limit(COMPUTE_UNITS + self._given % 1_000_000)
            blockhash = self._bank.hash_of(self._bank.head().number)
            message = MessageV0.try_compile(FAUCET.pubkey(), [unique, *instructions], [], blockhash)
            return self._bank.send(VersionedTransaction(message, [FAUCET, *signers]))
