"""A till with a signer on the till's own chain: where a top-up's money goes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from solders.keypair import Keypair

from mutoscope.engines.solana.chain.bank import Pace
from mutoscope.engines.solana.rpc.client import forget_default_rpc
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.engines.solana.signer.outbox import tell_jobs
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.models import TopUp, TopUpRefund
from mutoscope.platform.billing.topup_refunds.address import NameRefundAddress, NameRefundAddressInputs
from mutoscope.platform.billing.topup_refunds.service import (
    ApproveRefund,
    ApproveRefundInputs,
    AskForRefund,
    AskForRefundInputs,
)
from tests.engines.solana.signer.house import TREASURY, USDC, House
from tests.people import make_person
from tests.platform.billing.topup.till import Till, open_till

OWN = Keypair.from_seed(b"the viewer's own who paid before")
OWN_ADDRESS = str(OWN.pubkey())


def listed() -> list[dict[str, Any]]:
    """The tokens of a signer that lists SOL and USDC alone."""
    usdc = {"name": "USDC", "mint": USDC, "program": "token", "decimals": 6}
    caps = {f"{kind}{span}_max": 10**15 for kind in ("sweep", "refund", "payout") for span in ("", "_day")}
    return [each | caps | {"sweep_to": str(TREASURY.pubkey())} for each in ({"name": "SOL"}, usdc)]


class Counter:
    def __init__(self, till: Till, house: House) -> None:
        self.till, self.house = till, house
        self.staff: Person = make_person("stan", is_staff=True)

    def overpaid(self, usdc: int = 7_500_000) -> TopUp:
        """Five dollars were asked for."""
        top_up = self.till.buy()
        self.till.pay(top_up, usdc)
        return top_up

    def late(self, usdc: int = 5_000_000) -> TopUp:
        top_up = self.till.buy()
        self.till.end(top_up)
        self.till.pay(top_up, usdc)
        return top_up

    def ask(self, top_up: TopUp, key: str = "a", **more: Any) -> list[TopUpRefund]:
        asked = AskForRefundInputs(self.till.viewer.pk, top_up.public_id, key, **more)
        return list(AskForRefund().call(asked).refunds)

    def ask_elsewhere(self, top_up: TopUp, holder: Keypair = OWN, key: str = "a") -> list[TopUpRefund]:
        named = (
            NameRefundAddress()
            .call(NameRefundAddressInputs(self.till.viewer.pk, top_up.public_id, str(holder.pubkey())))
            .named
        )
        signature = str(holder.sign_message(named.message.encode()))
        return self.ask(top_up, key, nonce=named.nonce, signature=signature)

    def approve(self, refund: TopUpRefund, reason: str = "they sent too much", staff: Person | None = None) -> None:
        ApproveRefund().call(ApproveRefundInputs(refund.pk, (staff or self.staff).pk, reason))

    def job(self, refund: TopUpRefund) -> SignerJob:
        return SignerJob.objects.get(key=refund.key())

    def settle(self, refund: TopUpRefund) -> None:
        """The signer brings it to its end, the site is told, and the watcher sees what left."""
        self.house.settle(self.job(refund))
        tell_jobs()
        self.till.settle()
        refund.refresh_from_db()

    def payer_has(self) -> int:
        """USDC of the wallet that pays."""
        return self.house.tokens(str(self.till.shop.payer.pubkey()))

    def restart_signer(self) -> None:
        self.house.signer.close()
        self.house.signer = self.house.new_signer()


@contextmanager
def open_counter(folder: Path, pace: Pace | None = None, **changes: Any) -> Iterator[Counter]:
    with open_till(WALLETS="mutoscope.engines.solana.wallets.claim", pace=pace) as till:
        house = House(folder, till.shop.chain, **{"refund_elsewhere": True, **changes})
        forget_default_rpc()
        try:
            yield Counter(till, house)
        finally:
            house.close()
            forget_default_rpc()
