"""Where a creator is paid: an address is named, its holder signs a message, and from then on payouts go there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from mutoscope.engines.sequences.public import random_id
from mutoscope.engines.services import Internals, NoInternals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.proof import Claim
from mutoscope.platform.billing.failures import CannotPayOut, NotProven, Unacceptable
from mutoscope.platform.billing.models import PayoutAddress
from mutoscope.platform.billing.payouts.service import SECOND_FACTOR_FIRST
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.wallet_proof import VALID_FOR, check_proof, parse_wallet


@dataclass(frozen=True)
class NameAddressInputs:
    creator_id: int
    address: str
    has_second_factor: bool


class NameAddressInternals(Internals):
    address: str


class NameAddressOutputs(Outputs):
    named: PayoutAddress


Naming = State[NameAddressInputs, NameAddressInternals, NameAddressOutputs]


class NameAddress(Service[NameAddressInputs, NameAddressInternals, NameAddressOutputs]):
    """A creator names the address where they want to be paid, and gets a message that its holder has to sign."""

    failures = (Unacceptable, CannotPayOut)

    def steps(self) -> Steps[NameAddressInputs, NameAddressInternals, NameAddressOutputs]:
        return (self.read_what_was_typed, atomic(self.make_the_message, savepoint=True))

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def read_what_was_typed(self, naming: Naming) -> None:
        asked = naming.inputs
        if not asked.has_second_factor:
            raise CannotPayOut(why=SECOND_FACTOR_FIRST)
        naming.internals.address = parse_wallet(asked.address)

    def make_the_message(self, naming: Naming) -> None:
        asked, address = naming.inputs, naming.internals.address
        channel = Channel.objects.select_related("owner").filter(owner_id=asked.creator_id).first()
        if channel is None:
            raise CannotPayOut(why="Only a channel earns.")
        now: datetime = fetch("payouts", "now", {"ahead": self.clock.ahead()})[0][0]
        # What nobody signed in its time is of no use to anybody.
        PayoutAddress.objects.filter(channel=channel, proven_at=None, expires_at__lt=now).delete()
        claim = Claim(
            site=settings.SITE_URL,
            account=channel.owner.username,
            channel=channel.handle,
            address=address,
            nonce=random_id(),
            until=now + VALID_FOR,
        )
        naming.outputs.named = PayoutAddress.objects.create(
            channel=channel, address=address, nonce=claim.nonce, message=claim.message(), expires_at=claim.until
        )


@dataclass(frozen=True)
class ProveAddressInputs:
    creator_id: int
    nonce: str
    signature: str
    """In base58, of the message's bytes."""
    has_second_factor: bool


class ProveAddressOutputs(Outputs):
    proven: PayoutAddress


Proving = State[ProveAddressInputs, NoInternals, ProveAddressOutputs]


class ProveAddress(Service[ProveAddressInputs, NoInternals, ProveAddressOutputs]):
    """The holder of an address signed the message: payouts go there from now on, and no longer to the one before."""

    failures = (NotProven, CannotPayOut)

    def steps(self) -> Steps[ProveAddressInputs, NoInternals, ProveAddressOutputs]:
        return (self.ask_for_the_second_factor, atomic(self.check, self.take_its_place, savepoint=True))

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def ask_for_the_second_factor(self, proving: Proving) -> None:
        if not proving.inputs.has_second_factor:
            raise CannotPayOut(why=SECOND_FACTOR_FIRST)

    def check(self, proving: Proving) -> None:
        """The channel's own claim, not older than it may be, never used, and the signature of that address over those bytes."""
        asked = proving.inputs
        # One after the other for each channel: the rows of a channel hold its current address.
        if not Channel.objects.select_for_update(no_key=True).filter(owner_id=asked.creator_id).exists():
            raise CannotPayOut(why="Only a channel earns.")
        claims = PayoutAddress.objects.filter(channel__owner_id=asked.creator_id, nonce=asked.nonce)
        claim = claims.first()
        if claim is None or claim.ended_at is not None:
            raise NotProven(why="This message was not made for your channel, or another took its place. Begin again.")
        if claim.proven_at is None:
            now: datetime = fetch("payouts", "now", {"ahead": self.clock.ahead()})[0][0]
            check_proof(claim, asked.signature.strip(), now)
        proving.outputs.proven = claim

    def take_its_place(self, proving: Proving) -> None:
        claim = proving.outputs.proven
        if claim.proven_at is not None:
            # The same signature sent twice is one.
            return
        now: datetime = fetch("payouts", "now", {"ahead": self.clock.ahead()})[0][0]
        PayoutAddress.objects.filter(channel_id=claim.channel_id, proven_at__isnull=False, ended_at=None).update(
            ended_at=now
        )
        claim.signature, claim.proven_at = proving.inputs.signature.strip(), now
        claim.save(update_fields=["signature", "proven_at"])
