"""Asking for a payout, deciding about it, ending it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models.functions import Now

from mutoscope.engines.ledger import InsufficientFunds, Transfer, credit, debit
from mutoscope.engines.sequences import GaplessSequence
from mutoscope.engines.services import Internals, NoInternals, NoOutputs, Outputs, Service, State, Steps, atomic, when
from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.clock import SERVER_CLOCK, Clock
from mutoscope.platform.billing.domain import payouts as rules
from mutoscope.platform.billing.domain.money import BadAmount, parse_points
from mutoscope.platform.billing.failures import CannotPayOut, Unacceptable
from mutoscope.platform.billing.models import KEY_LENGTH_MAX, REASON_LENGTH_MAX, Payout, PayoutAddress
from mutoscope.platform.billing.on_chain import Progress
from mutoscope.platform.billing.payouts.available import earnings_of, payout_rules, unapproved_points_of
from mutoscope.platform.billing.payouts.ports import PaidWith, PayoutOrder, pays_creators
from mutoscope.platform.billing.payouts.reference import is_signature, parse_reference
from mutoscope.platform.billing.reasons import given_reason
from mutoscope.platform.billing.statements import fetch

PAYOUT_POINTS_MAX = 1_000_000_000
SECOND_FACTOR_FIRST = "Set up two-step sign-in first: a stolen password alone must not move your earnings."
WITHOUT_ADDRESS = "It was asked for without an address. Refuse it: its creator asks again, with one."
LESS_NOW = (
    "A sale was taken back in this moment, and you can be paid less now. Look at what is available, and ask again."
)


@dataclass(frozen=True)
class RequestPayoutInputs:
    creator_id: int
    points: object
    """A whole number, or one as it was typed."""
    request_key: str
    has_second_factor: bool
    """Whether the creator signs in with two steps: a stolen password alone must not move money."""


class RequestPayoutInternals(Internals):
    points: int
    quote: PaidWith | None
    channel: Channel
    address: PayoutAddress | None
    earlier: Payout | None
    needs_approval: bool


class RequestPayoutOutputs(Outputs):
    payout: Payout
    is_repeated: bool


Requesting = State[RequestPayoutInputs, RequestPayoutInternals, RequestPayoutOutputs]


class RequestPayout(Service[RequestPayoutInputs, RequestPayoutInternals, RequestPayoutOutputs]):
    """A creator asks to be paid: the points are held, and no longer available, until the payout ends."""

    failures = (Unacceptable, CannotPayOut)

    def steps(self) -> Steps[RequestPayoutInputs, RequestPayoutInternals, RequestPayoutOutputs]:
        return (
            self.read_what_was_typed,
            # Before the transaction: a rate may have to be asked for.
            self.quote,
            atomic(
                self.take_turns,
                when(self.was_asked_before, self.answer_as_before),
                when(
                    self.is_new,
                    self.check_the_rules,
                    self.find_address,
                    self.hold,
                    when(self.is_approved_at_once, self.order),
                ),
                savepoint=True,
            ),
        )

    def __init__(self, clock: Clock = SERVER_CLOCK) -> None:
        self.clock = clock

    def read_what_was_typed(self, requesting: Requesting) -> None:
        asked, work = requesting.inputs, requesting.internals
        if not asked.has_second_factor:
            raise CannotPayOut(why=SECOND_FACTOR_FIRST)
        try:
            work.points = parse_points(asked.points, PAYOUT_POINTS_MAX)
        except BadAmount as problem:
            raise Unacceptable(where="points", why=str(problem)) from None
        if not 0 < len(asked.request_key) <= KEY_LENGTH_MAX:
            raise Unacceptable(where="request_key", why=f"A key has 1 to {KEY_LENGTH_MAX} characters.")

    def quote(self, requesting: Requesting) -> None:
        requesting.internals.quote = pays_creators.get().quote(requesting.internals.points)

    def take_turns(self, requesting: Requesting) -> None:
        """Two requests of one channel come one after the other, before either looks at what is available."""
        asked, work = requesting.inputs, requesting.internals
        channel = Channel.objects.filter(owner_id=asked.creator_id).first()
        if channel is None:
            raise CannotPayOut(why="Only a channel earns.")
        work.channel = channel
        fetch("payouts", "hold_channel", {"channel_id": channel.pk})
        work.earlier = Payout.objects.filter(channel=channel, request_key=asked.request_key).first()

    def was_asked_before(self, requesting: Requesting) -> bool:
        return requesting.internals.earlier is not None

    def answer_as_before(self, requesting: Requesting) -> None:
        earlier = requesting.internals.earlier
        assert earlier is not None
        if earlier.points != requesting.internals.points:
            raise Unacceptable(where="request_key", why="This key was used for another payout.")
        requesting.outputs.payout, requesting.outputs.is_repeated = earlier, True

    def is_new(self, requesting: Requesting) -> bool:
        return requesting.internals.earlier is None

    def check_the_rules(self, requesting: Requesting) -> None:
        """The minimum, the delay after a sale, one payout at a time; and whether somebody has to approve it."""
        work = requesting.internals
        if Payout.objects.filter(channel=work.channel, state__in=Payout.OPEN).exists():
            raise CannotPayOut(why="A payout is under way. Ask again when it has ended.")
        earned, unapproved = earnings_of(work.channel.pk, self.clock), unapproved_points_of(work.channel.pk)
        try:
            work.needs_approval = rules.check(work.points, earned, payout_rules(), unapproved)
        except rules.BadPayout as problem:
            raise CannotPayOut(why=str(problem)) from None

    def find_address(self, requesting: Requesting) -> None:
        work = requesting.internals
        work.address = current_address(work.channel.pk) if pays_creators.get().needs_address() else None
        if work.address is None and pays_creators.get().needs_address():
            raise CannotPayOut(why="Say where you want to be paid first, and prove that the address is yours.")

    def hold(self, requesting: Requesting) -> None:
        """Set the points aside in the ledger, under a number without gaps."""
        asked, work = requesting.inputs, requesting.internals
        number = GaplessSequence("payouts", series=work.channel.pk).next()
        mine = books.account(Kind.EARNINGS, work.channel.pk)
        legs = (debit(mine, work.points), credit(books.account(Kind.PAID_OUT), work.points))
        about = {"for": "payout", "number": number}
        try:
            held = books.ledger().hold(Transfer(f"payout:{work.channel.pk}:{number}", legs, about))
        except InsufficientFunds:
            raise CannotPayOut(why=LESS_NOW) from None
        # Looked at once more, now that the hold has locked the account: a refund may have come after the look at what is available.
        if earnings_of(work.channel.pk, self.clock).holds_recent():
            raise CannotPayOut(why=LESS_NOW)
        requesting.outputs.payout = Payout.objects.create(
            channel=work.channel,
            number=number,
            points=work.points,
            state=Payout.State.WAITING if work.needs_approval else Payout.State.APPROVED,
            hold_id=held.transfer_id,
            address=work.address,
            request_key=asked.request_key,
        )
        requesting.outputs.is_repeated = False

    def is_approved_at_once(self, requesting: Requesting) -> bool:
        return not requesting.internals.needs_approval

    def order(self, requesting: Requesting) -> None:
        """Have it sent: noted in this transaction, sent after it."""
        send(requesting.outputs.payout, requesting.internals.quote)


@dataclass(frozen=True)
class ApprovePayoutInputs:
    payout_id: int
    staff_id: int
    reason: str
    """Stays in the log of the operator pages: what a creator reads of a payout is how it ended."""


class ApprovePayoutInternals(Internals):
    quote: PaidWith | None


Approving = State[ApprovePayoutInputs, ApprovePayoutInternals, NoOutputs]


class ApprovePayout(Service[ApprovePayoutInputs, ApprovePayoutInternals, NoOutputs]):
    """Somebody of the staff, and not its creator, approves a payout that was too large to go by itself."""

    failures = (Unacceptable, CannotPayOut)

    def steps(self) -> Steps[ApprovePayoutInputs, ApprovePayoutInternals, NoOutputs]:
        return (self.quote, atomic(self.approve, savepoint=True))

    def quote(self, approving: Approving) -> None:
        """By the rate of now: what was asked for may have waited for days. No rate is asked for what is refused anyway."""
        payout = Payout.objects.select_related("channel").filter(pk=approving.inputs.payout_id).first()
        if payout is None:
            raise CannotPayOut(why="There is no such payout.")
        self._check(payout, approving.inputs)
        approving.internals.quote = pays_creators.get().quote(payout.points)

    def approve(self, approving: Approving) -> None:
        asked = approving.inputs
        payout = locked_payout(asked.payout_id)
        self._check(payout, asked)
        payout.state, payout.decided_by_id = Payout.State.APPROVED, asked.staff_id
        payout.save(update_fields=["state", "decided_by"])
        send(payout, approving.internals.quote)

    @staticmethod
    def _check(payout: Payout, asked: ApprovePayoutInputs) -> None:
        """How it stands first: nobody is asked for a reason to do what was done."""
        if payout.state != Payout.State.WAITING:
            raise CannotPayOut(why=how_it_stands(payout))
        if payout.channel.owner_id == asked.staff_id:
            raise CannotPayOut(why="It is your own payout: somebody else has to approve it.")
        given_reason(asked.reason)


@dataclass(frozen=True)
class EndPayoutInputs:
    payout_id: int
    outcome: Payout.State
    """PAID, FAILED or VOIDED of an approved one; REFUSED by staff or CANCELLED by its creator while it waits."""
    reason: str = ""
    """Required of staff, and its creator reads it: or why the signer sent nothing."""
    reference: str = ""
    """Of one that was paid: the signer's transaction; or, required of staff, its signature or what else names the payment."""
    by_id: int | None = None


Ending = State[EndPayoutInputs, NoInternals, NoOutputs]

# What a payout must be for each of its ends. One that is approved may be on its way to the chain: it is not called back.
BEFORE = {
    Payout.State.PAID: Payout.State.APPROVED,
    Payout.State.FAILED: Payout.State.APPROVED,
    Payout.State.VOIDED: Payout.State.APPROVED,
    Payout.State.REFUSED: Payout.State.WAITING,
    Payout.State.CANCELLED: Payout.State.WAITING,
}


class EndPayout(Service[EndPayoutInputs, NoInternals, NoOutputs]):
    """A payout was paid, and its hold is posted; or it was not, and the points are available again. The same end twice is one;
    of staff it is refused, or their log would have who was second as who paid."""

    failures = (Unacceptable, CannotPayOut)

    def steps(self) -> Steps[EndPayoutInputs, NoInternals, NoOutputs]:
        return (atomic(self.end, savepoint=True),)

    def end(self, ending: Ending) -> None:
        asked = ending.inputs
        payout = locked_payout(asked.payout_id)
        is_by_staff = asked.by_id is not None and asked.outcome != Payout.State.CANCELLED
        if payout.state == asked.outcome and not is_by_staff:
            return
        if payout.state != BEFORE.get(asked.outcome):
            raise CannotPayOut(why=how_it_stands(payout))
        if payout.is_ordered() and asked.by_id is not None:
            # Somebody who called it failed while the signer sends it would have it paid twice.
            raise CannotPayOut(why="The signer pays this one, and alone knows how it ends.")
        if is_by_staff and payout.channel.owner_id == asked.by_id:
            raise CannotPayOut(why="It is your own payout: somebody else has to say so.")
        reason = given_reason(asked.reason) if is_by_staff else asked.reason[:REASON_LENGTH_MAX]
        reference = asked.reference
        if is_by_staff and asked.outcome == Payout.State.PAID:
            reference = self._by_hand(payout, asked.reference)
        key = f"payout:{payout.channel_id}:{payout.number}:{asked.outcome}"
        about = {"for": "payout", "number": payout.number}
        if asked.outcome == Payout.State.PAID:
            # In the ledger too, from where statements have it.
            told = {**about, "reference": reference} if reference else about
            ended = books.ledger().post_hold(payout.hold_id, key, metadata=told)
        else:
            ended = books.ledger().void_hold(payout.hold_id, key, metadata=about)
        Payout.objects.filter(pk=payout.pk).update(
            state=asked.outcome,
            ended_by_id=ended.transfer_id,
            ended_at=Now(),
            reason=reason,
            reference=reference,
            decided_by_id=asked.by_id or payout.decided_by_id,
        )

    @staticmethod
    def _by_hand(payout: Payout, typed: str) -> str:
        """What names the payment. A channel is not paid twice by one transaction; several channels may be."""
        reference = parse_reference(typed)
        others = Payout.objects.filter(channel=payout.channel_id, reference=reference, state=Payout.State.PAID)
        other = others.first() if is_signature(reference) else None
        if other is not None:
            raise Unacceptable(where="reference", why=f"By this transaction payout {other.number} was paid already.")
        return reference


def how_it_stands(payout: Payout) -> str:
    """Why this payout is not moved that way."""
    if payout.state == Payout.State.WAITING:
        return "This payout waits for approval: approve or refuse it first."
    return f"This payout is {payout.get_state_display()} already."


def locked_payout(payout_id: int) -> Payout:
    """The payout, locked until the transaction ends. Raises CannotPayOut when there is none."""
    payout = Payout.objects.select_for_update(of=("self",)).select_related("channel").filter(pk=payout_id).first()
    if payout is None:
        raise CannotPayOut(why="There is no such payout.")
    return payout


def current_address(channel_id: int) -> PayoutAddress | None:
    """Where a channel is paid: the address that was proven last."""
    return PayoutAddress.objects.filter(channel_id=channel_id, proven_at__isnull=False, ended_at=None).first()


def send(payout: Payout, quote: PaidWith | None) -> None:
    """Order an approved payout, and write down what it is paid with. To be called in the transaction that approves."""
    address = payout.address.address if payout.address is not None else ""
    pays = pays_creators.get()
    if pays.needs_address() and not address:
        raise CannotPayOut(why=WITHOUT_ADDRESS)
    key = f"payout:{payout.channel_id}:{payout.number}"
    pays.order(PayoutOrder(key, payout.pk, payout.channel_id, payout.points, address), quote)
    if quote is not None:
        payout.mint, payout.symbol, payout.decimals = quote.mint, quote.symbol, quote.decimals
        payout.amount, payout.rate_usd, payout.progress = quote.amount, quote.rate_usd, Progress.ORDERED
        payout.save(update_fields=["mint", "symbol", "decimals", "amount", "rate_usd", "progress"])
