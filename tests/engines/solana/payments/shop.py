"""A shop on a sandbox chain of its own: a merchant, somebody who pays with real transactions, and a watcher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import httpx
from django.test import override_settings
from django.utils import timezone
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana import public
from mutoscope.engines.solana.chain import (
    LAMPORTS_PER_SOL,
    TEST_FEE_TOKEN,
    TEST_USDC,
    InProcess,
    Pace,
    SandboxChain,
    TestToken,
    programs,
)
from mutoscope.engines.solana.conf import Endpoint
from mutoscope.engines.solana.models import Event, Transfer, UnmatchedReceipt, WatchedAccount
from mutoscope.engines.solana.payments.abstract import AbstractPayment, AbstractToken
from mutoscope.engines.solana.payments.domain.states import Money, Status
from mutoscope.engines.solana.rpc.client import Rpc
from mutoscope.engines.solana.rpc.limits import OwnPurse
from mutoscope.engines.solana.watcher.watcher import Watcher

SOL = ""
USDC = str(TEST_USDC.mint)
PLENTY = 1_000_000
WALLETS: dict[str, Keypair] = {}


def claim(public_id: str) -> str:
    """A one-time wallet whose key the test keeps, so that it can take money out again."""
    key = Keypair()
    WALLETS[str(key.pubkey())] = key
    return str(key.pubkey())


class Shop:
    def __init__(
        self,
        chain: SandboxChain,
        merchant: Keypair,
        endpoints: Sequence[str],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.chain = chain
        self.transport = transport
        self.merchant = merchant
        self.payer = self.person()
        self.rpc = self.new_rpc(endpoints)
        self.watcher = Watcher(self.rpc)
        self.sol: AbstractToken = public.token_model().objects.create(symbol="SOL", decimals=9)
        self.usdc = self.accept(TEST_USDC)

    # The merchant's side

    def new_rpc(self, urls: Sequence[str], patience_s: float = 5.0) -> Rpc:
        endpoints = [Endpoint(url, calls_per_10_s=PLENTY) for url in urls]
        genesis = str(self.chain.bank.genesis_hash)
        return Rpc(
            endpoints,
            genesis,
            purse=lambda endpoint: OwnPurse(endpoint.calls_per_10_s),
            patience_s=patience_s,
            transport=self.transport,
        )

    def restart(self) -> None:
        """As after a crash: nothing is left of what the watcher had in memory."""
        self.watcher.__exit__(None, None, None)
        self.watcher = Watcher(self.rpc)

    def accept(self, token: TestToken, **columns: Any) -> AbstractToken:
        row: AbstractToken = public.token_model().objects.create(
            symbol=token.symbol, mint=str(token.mint), program=str(token.program), decimals=token.decimals, **columns
        )
        return row

    def offer(self, prices: dict[str, int], by: str = "wallet", **more: Any) -> AbstractPayment:
        return public.create_payment(prices, receive_by=by, **more)

    def look(self) -> None:
        """One look at everything, due or not, with everything that happened so far final."""
        self.chain.finalize()
        self.glance()

    def glance(self) -> None:
        """One look at everything, due or not, at the chain as it is."""
        WatchedAccount.objects.filter(next_look_at__isnull=False).update(
            next_look_at=timezone.now() - timedelta(days=1)
        )
        self.watcher.look()

    def look_until_done(self) -> None:
        """Looks until every walk has come to its end."""
        for _ in range(50):
            self.look()
            if not WatchedAccount.objects.exclude(before_signature="").exists():
                return
        raise AssertionError("a walk does not end")

    def let_time_pass(self, payment: AbstractPayment, seconds: int = 7200) -> None:
        """Move the payment, not the clock, that far into the past."""
        by = timedelta(seconds=seconds)
        payment.refresh_from_db()
        type(payment).objects.filter(pk=payment.pk).update(  # type: ignore[attr-defined]
            created_at=payment.created_at - by, expires_at=payment.expires_at - by
        )
        payment.refresh_from_db()

    # The payer's side

    def person(self, sol: int = 100) -> Keypair:
        key = Keypair()
        self.chain.airdrop(key.pubkey(), sol * LAMPORTS_PER_SOL)
        self.chain.give(key.pubkey(), 1_000_000_000)
        return key

    def pay(
        self,
        payment: AbstractPayment,
        amount: int,
        token: TestToken | None = None,
        *,
        references: Sequence[str] | None = None,
        extra: Sequence[Instruction] = (),
    ) -> Signature:
        """Pay as a wallet app does with the payment's link. `amount` in base units of the token, lamports by default."""
        named = references if references is not None else [payment.reference] if payment.reference else []
        return self.send([*extra, *self.transfer(Pubkey.from_string(payment.recipient), amount, token, named)])

    def transfer(
        self,
        to: Pubkey,
        amount: int,
        token: TestToken | None = None,
        references: Sequence[str] = (),
        sender: Keypair | None = None,
    ) -> list[Instruction]:
        sender_key = (sender or self.payer).pubkey()
        if token is None:
            before, moved = [], transfer(TransferParams(from_pubkey=sender_key, to_pubkey=to, lamports=amount))
        else:
            before = [programs.create_associated_account(sender_key, to, token.mint, token.program)]
            moved = programs.transfer_token(
                token.account_of(sender_key),
                token.mint,
                token.account_of(to),
                sender_key,
                amount,
                token.decimals,
                token.program,
            )
        named = [AccountMeta(Pubkey.from_string(reference), False, False) for reference in references]
        return [*before, Instruction(moved.program_id, moved.data, [*moved.accounts, *named])]

    def send(self, instructions: Sequence[Instruction], *signers: Keypair, payer: Keypair | None = None) -> Signature:
        """Send a transaction as it is; it lands in the newest slot. A fresh slot keeps equal ones apart."""
        self.chain.advance(1)
        payer = payer or self.payer
        message = MessageV0.try_compile(payer.pubkey(), list(instructions), [], self.chain.blockhash())
        return self.chain.send(VersionedTransaction(message, [payer, *signers]))

    # What the test may ask

    def stands(self, payment: AbstractPayment) -> tuple[Status, Money]:
        payment.refresh_from_db()
        return Status(payment.status), Money(payment.money)

    def news(self, payment: AbstractPayment) -> list[str]:
        return list(Event.objects.filter(payment_id=payment.pk).order_by("id").values_list("name", flat=True))

    def unmatched(self) -> list[tuple[str, int]]:
        rows = UnmatchedReceipt.objects.order_by("transfer__slot")
        return [(row.reason, row.transfer.amount) for row in rows.select_related("transfer")]

    def receipts(self, payment: AbstractPayment) -> list[int]:
        return list(Transfer.objects.filter(payment_id=payment.pk).order_by("slot").values_list("amount", flat=True))


@contextmanager
def open_shop(
    pace: Pace | None = None, time_s: float | None = None, is_served: bool = True, **configured: Any
) -> Iterator[Shop]:
    """A chain, and a shop that receives on it: over loopback if it is served, else in this process without a socket."""
    merchant = Keypair()
    chain = SandboxChain(pace=pace, time_s=time_s)
    transport = None if is_served else InProcess(chain)
    with chain if is_served else closing(chain.store):
        settings = {
            "RPC": [{"URL": chain.url, "CALLS_PER_10_S": PLENTY}],
            "CLUSTER": str(chain.bank.genesis_hash),
            "RECEIVE_TO": str(merchant.pubkey()),
            "WALLETS": f"{__name__}.claim",
            **configured,
        }
        with override_settings(MUTOSCOPE_SOLANA=settings):
            shop = Shop(chain, merchant, [chain.url], transport)
            with shop.watcher:
                yield shop
            shop.rpc.close()


FEE = str(TEST_FEE_TOKEN.mint)
