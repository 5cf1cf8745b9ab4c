"""A Solana chain to try payments on: real programs, play money, time and faults at hand. See docs/chain.md.

from mutoscope.engines.solana.chain import SandboxChain, TEST_USDC
"""

from __future__ import annotations

from mutoscope.engines.solana.chain.bank import Commitment, Pace, Refused
from mutoscope.engines.solana.chain.errors import RpcError
from mutoscope.engines.solana.chain.faults import Fault
from mutoscope.engines.solana.chain.node import Node
from mutoscope.engines.solana.chain.sandbox import SandboxChain
from mutoscope.engines.solana.chain.tokens import LAMPORTS_PER_SOL, TEST_FEE_TOKEN, TEST_TOKENS, TEST_USDC, TestToken
from mutoscope.engines.solana.chain.transport import InProcess
from mutoscope.engines.solana.chain.wallet.link import TransferRequest, WrongLink, read_link
from mutoscope.engines.solana.chain.wallet.wallet import NotPaid, SandboxWallet

__all__ = [
    "LAMPORTS_PER_SOL",
    "TEST_FEE_TOKEN",
    "TEST_TOKENS",
    "TEST_USDC",
    "Commitment",
    "Fault",
    "InProcess",
    "Node",
    "NotPaid",
    "Pace",
    "Refused",
    "RpcError",
    "SandboxChain",
    "SandboxWallet",
    "TestToken",
    "TransferRequest",
    "WrongLink",
    "read_link",
]
