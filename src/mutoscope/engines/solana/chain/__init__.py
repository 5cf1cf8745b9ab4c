"""A Solana chain to try payments on: real programs, play money, time and faults at hand. See docs/chain.md.

from mutoscope.engines.solana.chain import SandboxChain, TEST_USDC
"""

from __future__ import annotations

from mutoscope.engines.solana.chain.bank import Commitment, Pace, Refused
from mutoscope.engines.solana.chain.errors import RpcError
from mutoscope.engines.solana.chain.sandbox import SandboxChain
from mutoscope.engines.solana.chain.tokens import LAMPORTS_PER_SOL, TEST_FEE_TOKEN, TEST_TOKENS, TEST_USDC, TestToken

__all__ = [
    "LAMPORTS_PER_SOL",
    "TEST_FEE_TOKEN",
    "TEST_TOKENS",
    "TEST_USDC",
    "Commitment",
    "Pace",
    "Refused",
    "RpcError",
    "SandboxChain",
    "TestToken",
]
