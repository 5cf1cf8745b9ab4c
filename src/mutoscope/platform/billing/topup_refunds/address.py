"""Where a viewer wants a top-up's money who did not pay from a wallet of their own: an address, and the message that its holder signs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from mutoscope.engines.sequences.public import random_id
from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain.proof import RefundClaim
from mutoscope.platform.billing.failures import CannotSendBack, NoSuchTopUp, Unacceptable
from mutoscope.platform.billing.models import RefundAddress, TopUp
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.wallet_proof import VALID_FOR, parse_wallet


@dataclass(frozen=True)
class NameRefundAddressInputs:
    person_id: int
    public_id: str
    address: str


class NameRefundAddressInternals(Internals):
    address: str


class NameRefundAddressOutputs(Outputs):
    named: RefundAddress


Naming = State[NameRefundAddressInputs, NameRefundAddressInternals, NameRefundAddressOutputs]


class NameRefundAddress(Service[NameRefundAddressInputs, NameRefundAddressInternals, NameRefundAddressOutputs]):
    """A viewer names the address where they want a top-up's money, and gets a message that its holder has to sign."""

    failures = (Unacceptable, NoSuchTopUp, CannotSendBack)

    def steps(self) -> Steps[NameRefundAddressInputs, NameRefundAddressInternals, NameRefundAddressOutputs]:
        return (self.read_what_was_typed, atomic(self.make_the_message, savepoint=True))

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def read_what_was_typed(self, naming: Naming) -> None:
        if not settings.REFUND_ELSEWHERE:
            raise CannotSendBack(why="Here money goes back to the wallet that paid, and nowhere else.")
        naming.internals.address = parse_wallet(naming.inputs.address)

    def make_the_message(self, naming: Naming) -> None:
        asked, address = naming.inputs, naming.internals.address
        top_ups = TopUp.objects.select_related("person").select_for_update(of=("self",), no_key=True)
        top_up = top_ups.filter(public_id=asked.public_id, person_id=asked.person_id).first()
        if top_up is None:
            raise NoSuchTopUp
        now: datetime = fetch("topup_refunds", "now", {"ahead": self.clock.ahead()})[0][0]
        # What nobody signed in its time is of no use to anybody.
        RefundAddress.objects.filter(top_up=top_up, proven_at=None, expires_at__lt=now).delete()
        claim = RefundClaim(
            site=settings.SITE_URL,
            account=top_up.person.username,
            top_up=top_up.pk,
            address=address,
            nonce=random_id(),
            until=now + VALID_FOR,
        )
        naming.outputs.named = RefundAddress.objects.create(
            top_up=top_up, address=address, nonce=claim.nonce, message=claim.message(), expires_at=claim.until
        )
