"""Somebody with a key and some money, for tests that send transactions of their own."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, RpcError, SandboxChain


class Payer:
    def __init__(self, chain: SandboxChain, lamports: int = 10 * LAMPORTS_PER_SOL) -> None:
        self.chain = chain
        self.key = Keypair()
        self.address = self.key.pubkey()
        if lamports:
            chain.airdrop(self.address, lamports)

    def transfer(self, to: Pubkey, lamports: int, blockhash: Hash | None = None) -> VersionedTransaction:
        """Signed, not sent."""
        return self.sign([self.paying(to, lamports)], blockhash)

    def paying(self, to: Pubkey, lamports: int) -> Instruction:
        return transfer(TransferParams(from_pubkey=self.address, to_pubkey=to, lamports=lamports))

    def sign(self, instructions: Sequence[Instruction], blockhash: Hash | None = None) -> VersionedTransaction:
        message = MessageV0.try_compile(self.address, instructions, [], blockhash or self.chain.blockhash())
        return VersionedTransaction(message, [self.key])


def wire(transaction: VersionedTransaction) -> str:
    return base64.b64encode(bytes(transaction)).decode()


def refusal(chain: SandboxChain, method: str, *values: Any) -> RpcError:
    """What the method refuses with."""
    try:
        result = chain.call(method, *values)
    except RpcError as error:
        return error
    raise AssertionError(f"{method} answered {result}")
