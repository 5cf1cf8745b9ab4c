"""How creators are paid in a test: by hand, or by a signer with a chain around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import override_settings
from solders.keypair import Keypair

from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.public import token_model
from mutoscope.engines.solana.signer.models import SignerJob
from mutoscope.engines.solana.signer.outbox import tell_jobs
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.models import Payout, PayoutAddress
from mutoscope.platform.billing.payouts.address import (
    NameAddress,
    NameAddressInputs,
    ProveAddress,
    ProveAddressInputs,
)
from mutoscope.platform.billing.payouts.ports import PaidByHand, PaysCreators, pays_creators
from mutoscope.platform.billing.payouts.signing import PaidBySigner
from tests.engines.solana.signer.house import House, key

CREATOR = Keypair.from_seed(b"a creator who is to be paid once")
ADDRESS = str(CREATOR.pubkey())
FUNDS = 10_000 * 10**TEST_USDC.decimals


@contextmanager
def paid_by(adapter: PaysCreators) -> Iterator[None]:
    """Plug in who pays creators, for this block."""
    with pays_creators.bound(adapter):
        yield


@contextmanager
def paid_by_hand() -> Iterator[None]:
    with paid_by(PaidByHand()):
        yield


@contextmanager
def paid_by_signer(house: House) -> Iterator[House]:
    """The signer pays: USDC is accepted, a dollar each, and the house has some to pay with."""
    token_model().objects.create(
        symbol="USDC", mint=str(TEST_USDC.mint), program=str(TEST_USDC.program), decimals=TEST_USDC.decimals
    )
    house.chain.give(key(house.payout), FUNDS)
    house.chain.finalize()
    rates: dict[str, Any] = {**settings.TOP_UPS, "RATES_FIXED": {"USDC": "1"}, "RATES_FILE": None, "RATES_URL": None}
    with paid_by(PaidBySigner()), override_settings(TOP_UPS=rates, PAYOUT_POINT_USD="0.01", PAYOUT_TOKEN="USDC"):
        yield house


def prove(creator: Person, holder: Keypair = CREATOR) -> PayoutAddress:
    """The creator's address, named and signed for."""
    named = NameAddress().call(NameAddressInputs(creator.pk, str(holder.pubkey()), True)).named
    signature = str(holder.sign_message(named.message.encode()))
    return ProveAddress().call(ProveAddressInputs(creator.pk, named.nonce, signature, True)).proven


def job_of(payout: Payout) -> SignerJob:
    return SignerJob.objects.get(key=f"payout:{payout.channel_id}:{payout.number}")


def settle(house: House, payout: Payout) -> None:
    """The signer brings it to its end, and the site is told."""
    house.settle(job_of(payout))
    tell_jobs()
    payout.refresh_from_db()
