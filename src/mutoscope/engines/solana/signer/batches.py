"""Several jobs in one transaction, as many as fit: a transaction has 1,232 bytes, and each key costs a signature of 64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from mutoscope.engines.solana.signer.configuration import LAMPORTS_PER_SIGNATURE
from mutoscope.engines.solana.signer.models import Kind
from mutoscope.engines.solana.signer.plan import Plan, all_signers
from mutoscope.engines.solana.signer.vault import KeyName

WIRE_BYTES_MAX = 1232
UNITS_MAX = 1_400_000
# Beyond what the simulation used: an account may be there by then, or not be.
UNITS_SPARE = 1.2
UNITS_SPARE_MORE = 10_000
# Travel in company. Money that goes to somebody travels alone: its fate is nobody else's.
SHARED = {Kind.SWEEP, Kind.RECLAIM}


@dataclass(frozen=True, slots=True)
class Draft:
    """A transaction without blockhash and signatures. Price in micro-lamports per unit."""

    plans: tuple[Plan, ...]
    fee_key: KeyName
    units: int
    price: int

    def message(self, blockhash: Hash) -> MessageV0:
        instructions = [set_compute_unit_limit(self.units), set_compute_unit_price(self.price)]
        for plan in self.plans:
            instructions += plan.instructions
        return MessageV0.try_compile(Pubkey.from_string(self.fee_key.address), instructions, [], blockhash)

    def signers(self) -> list[KeyName]:
        """Keys in the order in which their signatures are asked for; the fee account's first."""
        keys = {key.address: key for key in [self.fee_key, *all_signers(self.plans)]}
        message = self.message(Hash.default())
        wanted = message.account_keys[: message.header.num_required_signatures]
        return [keys[str(address)] for address in wanted]

    def wire(self, blockhash: Hash, signatures: Sequence[Signature]) -> bytes:
        """The bytes that are broadcast."""
        return bytes(VersionedTransaction.populate(self.message(blockhash), list(signatures)))

    def unsigned_wire(self) -> bytes:
        """The same size, with empty signatures: for measuring and simulating."""
        return self.wire(Hash.default(), [Signature.default()] * len(self.signers()))

    def signed_bytes(self, blockhash: Hash) -> bytes:
        """What each key signs."""
        return to_bytes_versioned(self.message(blockhash))

    def fee(self) -> int:
        """Lamports: one price for each signature, and the priority fee."""
        return LAMPORTS_PER_SIGNATURE * len(self.signers()) + priority_fee(self.units, self.price)

    def rent(self) -> int:
        """Lamports for the accounts that it may have to make."""
        return sum(plan.rent for plan in self.plans)


def priority_fee(units: int, price: int) -> int:
    """Lamports for that many units at micro-lamports each, rounded up as the runtime does."""
    return math.ceil(units * price / 1_000_000)


def drafts(plans: Sequence[Plan], fee_key: KeyName, price: int) -> list[Draft]:
    """Plans packed into transactions, first come, first in."""
    packed: list[Draft] = []
    shared: tuple[Plan, ...] = ()
    for plan in plans:
        if plan.job.kind not in SHARED or plan.job.alone:
            packed.append(Draft((plan,), fee_key, UNITS_MAX, price))
            continue
        if shared and not _fits(Draft((*shared, plan), fee_key, UNITS_MAX, price)):
            packed.append(Draft(shared, fee_key, UNITS_MAX, price))
            shared = ()
        shared = (*shared, plan)
    if shared:
        packed.append(Draft(shared, fee_key, UNITS_MAX, price))
    return packed


def _fits(draft: Draft) -> bool:
    return len(draft.unsigned_wire()) <= WIRE_BYTES_MAX


def units_for(used: int) -> int:
    """The limit to ask for when a simulation used that many."""
    return min(UNITS_MAX, math.ceil(used * UNITS_SPARE) + UNITS_SPARE_MORE)


def price_of(recent: Sequence[int], low: int, high: int) -> int:
    """Micro-lamports per unit: what three quarters of the recent payers stayed below, within the configured bounds."""
    ranked = sorted(recent)
    wanted = ranked[min(len(ranked) - 1, len(ranked) * 3 // 4)] if ranked else 0
    return max(low, min(high, wanted))
