"""A sandbox chain, for use in the same process: money, time and faults at hand, served on loopback when wanted."""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import Transaction, VersionedTransaction

from mutoscope.engines.solana.chain import dispatch, programs
from mutoscope.engines.solana.chain.bank import Bank, Commitment, Pace
from mutoscope.engines.solana.chain.faults import Faults
from mutoscope.engines.solana.chain.methods import accounts, blocks, cluster, transactions
from mutoscope.engines.solana.chain.node import Node
from mutoscope.engines.solana.chain.server import Server
from mutoscope.engines.solana.chain.sockets import Sockets
from mutoscope.engines.solana.chain.store import Store
from mutoscope.engines.solana.chain.tokens import LAMPORTS_PER_SOL, TEST_USDC, Faucet, TestToken
from mutoscope.engines.solana.chain.wallet.wallet import SandboxWallet

NODE_NAME = re.compile("[a-z0-9-]{1,30}")

# Imported for what they register.
_METHODS = (accounts, blocks, cluster, transactions)


class SandboxChain:
    """A Solana chain with play money.

        with SandboxChain() as chain:                 # serves chain.url and chain.websocket_url
            chain.airdrop(payer.pubkey(), 2 * LAMPORTS_PER_SOL)
            chain.give(payer.pubkey(), 5_000_000)     # 5 test USDC
            chain.advance(3)                          # three slots, 1.2 s of chain time, at once
            chain.finalize()                          # everything so far is final

    Its clock moves by hand unless `ticking`: then a slot begins each `pace.slot_ms`. It keeps everything in memory
    unless given a `folder`. `port` 0 takes a free one. With `admin` it takes orders over HTTP: time, faults, rollbacks.
    Raises ChainInUse where another process has the folder.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        pace: Pace | None = None,
        ticking: bool = False,
        port: int = 0,
        time_s: float | None = None,
        airdrop_lamports_max: int = 1000 * LAMPORTS_PER_SOL,
        admin: bool = False,
    ) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.ticking = ticking
        self.admin = admin
        self.airdrop_lamports_max = airdrop_lamports_max
        self.store = Store(None if folder is None else folder / "chain.sqlite3")
        began_ms = int((time.time() if time_s is None else time_s) * 1000)
        self.bank = Bank(self.store, pace, began_ms)
        self.faucet = Faucet(self.bank)
        if self.bank.is_new:
            self.faucet.found()
            self.finalize()
        self._nodes = {"": Node(self)}
        self._wallets: dict[str, SandboxWallet] = {}
        self.sockets = Sockets(self)
        self.bank.watcher = self.sockets
        self.server = Server(self, port)

    # Life

    def start(self) -> SandboxChain:
        """Serve from a thread of its own. Returns when requests are answered."""
        self.server.start()
        return self

    def stop(self) -> None:
        self.server.stop()
        self.store.close()

    def __enter__(self) -> SandboxChain:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where JSON-RPC is answered."""
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}"

    # Time

    def advance(self, slots: int = 1, *, seconds: float | None = None) -> None:
        """Let slots pass at once; `seconds` of chain time instead where given (at least one slot begins)."""
        with self.bank.lock:
            if seconds is None:
                self.bank.advance(slots)
            else:
                due = self.bank.head().time_ms + int(seconds * 1000)
                self.bank.advance(max(1, int(seconds * 1000) // self.bank.pace.slot_ms), due)

    def finalize(self) -> None:
        """Let so many slots pass that everything which has happened is final."""
        self.advance(self.bank.pace.finalized_after)

    def roll_back(self, slots: int = 1 << 30) -> int:
        """Drop the newest slots that are not final, and all that happened in them. Returns how many were dropped."""
        return self.bank.roll_back(slots)

    def time_s(self) -> int:
        """The newest slot's time, in Unix seconds."""
        return self.bank.head().time_ms // 1000

    # Money

    def airdrop(self, to: Pubkey, lamports: int) -> Signature:
        return self.faucet.give_lamports(to, lamports)

    def give(self, to: Pubkey, amount: int, token: TestToken = TEST_USDC) -> Signature:
        """Mint base units of a test token to an owner, whose associated token account is made where missing."""
        return self.faucet.give_tokens(token, to, amount)

    def send(self, transaction: Transaction | VersionedTransaction) -> Signature:
        """Raises Refused with Solana's error."""
        if isinstance(transaction, Transaction):
            transaction = VersionedTransaction.from_legacy(transaction)
        return self.bank.send(transaction)

    def blockhash(self) -> Any:
        """The newest slot's blockhash."""
        return self.bank.hash_of(self.bank.head().number)

    def balance(self, address: Pubkey, commitment: Commitment = Commitment.PROCESSED) -> int:
        """In lamports."""
        account = self.bank.account(address, commitment)
        return 0 if account is None else account.lamports

    def token_balance(
        self, owner: Pubkey, token: TestToken = TEST_USDC, commitment: Commitment = Commitment.PROCESSED
    ) -> int:
        """In base units, of the owner's associated token account; 0 where there is none."""
        account: Account | None = self.bank.account(token.account_of(owner), commitment)
        state = None if account is None else programs.token_account(account)
        return 0 if state is None else state.amount

    def call(self, method: str, *values: Any) -> Any:
        """One JSON-RPC method's result, without a transport. Raises RpcError."""
        return dispatch.call(self._nodes[""], method, list(values))

    def wallet(self, name: str = "viewer") -> SandboxWallet:
        """A wallet with some money in it, made when it is first asked for."""
        with self.bank.lock:
            if name not in self._wallets:
                self._wallets[name] = SandboxWallet(self, name)
            return self._wallets[name]

    def pay(self, link: str, amount: int | None = None) -> Signature:
        """Pay a `solana:` link from the sandbox wallet; `amount` in base units where the link leaves it open.

        Raises WrongLink and NotPaid.
        """
        return self.wallet().pay(link, amount)

    # Nodes

    def node(self, name: str = "") -> Node:
        """The node of that name, made when it is first asked for. All of them show this one chain."""
        with self.bank.lock:
            if name not in self._nodes:
                if not NODE_NAME.fullmatch(name):
                    raise ValueError(f"a node's name is lower-case letters, digits and hyphens, not {name!r}")
                self._nodes[name] = Node(self, name)
            return self._nodes[name]

    def nodes(self) -> list[Node]:
        return list(self._nodes.values())

    @property
    def faults(self) -> Faults:
        """The faults of the node at the root."""
        return self._nodes[""].faults
