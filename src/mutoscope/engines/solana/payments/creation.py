"""Asking for a payment. It asks no node anything: everything an offer needs is derived here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from mutoscope.engines.sequences.public import random_id
from mutoscope.engines.services import Failure, Internals, Outputs, Service, State, Steps, atomic
from mutoscope.engines.solana.conf import configuration
from mutoscope.engines.solana.outbox.writing import News, write
from mutoscope.engines.solana.payments.abstract import AbstractPayment, AbstractToken, ReceivesBy
from mutoscope.engines.solana.payments.describing import describe
from mutoscope.engines.solana.payments.domain.addresses import holding_account, is_address, new_reference
from mutoscope.engines.solana.payments.domain.amounts import NotPayable, payable
from mutoscope.engines.solana.payments.models import Price
from mutoscope.engines.solana.payments.swapped import payment_model, token_model
from mutoscope.engines.solana.watcher.models import StraySearch, WatchedAccount

EXPIRES_AFTER_MAX_S = 366 * 24 * 3600
# Of an account without data: two years of 128 bytes. Source: https://solana.com/docs/core/accounts, "Rent".
RENT_MINIMUM_LAMPORTS = 890_880


class PriceNotPayable(Failure):
    """A price that nobody can pay: no token, a token that is not on offer, or an amount outside what a transfer can move."""

    problem: str


class NowhereToReceive(Failure):
    """Nothing is configured to receive this payment with."""

    problem: str


class KeyUsedDifferently(Failure):
    """The idempotency key belongs to a payment with other prices or another purpose."""

    key: str


@dataclass(frozen=True)
class CreateInputs:
    """`prices` by mint (empty for SOL), in base units. The other fields' words are the project's own."""

    prices: Mapping[str, int]
    purpose: str = ""
    owner_ref: str = ""
    idempotency_key: str | None = None
    receive_by: str | None = None
    expires_after_s: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    # Columns of the project's own payment model.
    extra: Mapping[str, Any] = field(default_factory=dict)


class CreateInternals(Internals):
    tokens: dict[str, AbstractToken]
    receives_by: ReceivesBy
    known: AbstractPayment | None


class CreateOutputs(Outputs):
    payment: AbstractPayment


class CreatePayment(Service[CreateInputs, CreateInternals, CreateOutputs]):
    """Offer to be paid: one payment, a price in each of several tokens, an address, and a moment at which the offer ends."""

    failures = (PriceNotPayable, NowhereToReceive, KeyUsedDifferently)

    def steps(self) -> Steps[CreateInputs, CreateInternals, CreateOutputs]:
        return (self.find_tokens, self.decide_how_to_receive, atomic(self.write_payment, savepoint=True))

    def find_tokens(self, state: State[CreateInputs, CreateInternals, CreateOutputs]) -> None:
        prices = state.inputs.prices
        tokens: dict[str, AbstractToken] = {
            token.mint: token for token in token_model().objects.filter(mint__in=list(prices), is_active=True)
        }
        if not prices:
            raise PriceNotPayable(problem="a payment has a price in at least one token")
        if missing := prices.keys() - tokens.keys():
            raise PriceNotPayable(problem=f"not an active token: {', '.join(sorted(missing)) or 'SOL'}")
        for amount in prices.values():
            if type(amount) is not int:
                raise PriceNotPayable(problem=f"{amount!r} is not a whole number of base units")
            try:
                payable(amount)
            except NotPayable as error:
                raise PriceNotPayable(problem=str(error)) from None
        state.internals.tokens = tokens

    def decide_how_to_receive(self, state: State[CreateInputs, CreateInternals, CreateOutputs]) -> None:
        configured = configuration()
        wanted = state.inputs.receive_by or configured.receive_by
        if wanted not in ReceivesBy.values:
            raise NowhereToReceive(problem=f"{wanted!r} is neither 'reference' nor 'wallet'")
        if wanted == ReceivesBy.REFERENCE and not configured.receive_to:
            raise NowhereToReceive(problem='MUTOSCOPE_SOLANA["RECEIVE_TO"] is not set')
        # A web server starts without the checks that say so, and nobody could pay what is stored.
        if wanted == ReceivesBy.REFERENCE and not is_address(configured.receive_to):
            raise NowhereToReceive(
                problem=f'MUTOSCOPE_SOLANA["RECEIVE_TO"] is not an address: {configured.receive_to!r}'
            )
        state.internals.receives_by = ReceivesBy(wanted)

        # A fresh wallet cannot hold less than its rent: the chain refuses the transfer, and the payer never learns why.
        if wanted == ReceivesBy.WALLET and 0 < state.inputs.prices.get("", 0) < RENT_MINIMUM_LAMPORTS:
            raise PriceNotPayable(
                problem=f"a one-time wallet cannot receive less than {RENT_MINIMUM_LAMPORTS} lamports"
            )

    def write_payment(self, state: State[CreateInputs, CreateInternals, CreateOutputs]) -> None:
        inputs = state.inputs
        if inputs.idempotency_key is None:
            state.outputs.payment = self._write(inputs, state.internals)
            return
        known = self._known(inputs)
        if known is None:
            try:
                with transaction.atomic():
                    known = self._write(inputs, state.internals)
            except IntegrityError:
                # Somebody with the same key was faster; any other reason is a bug, and escapes.
                known = self._known(inputs)
                if known is None:
                    raise
        state.outputs.payment = known

    def _known(self, inputs: CreateInputs) -> AbstractPayment | None:
        payment: AbstractPayment | None = payment_model().objects.filter(idempotency_key=inputs.idempotency_key).first()
        if payment is None:
            return None
        prices = {
            price.token.mint: price.amount for price in Price.objects.filter(payment=payment.pk).select_related("token")
        }
        if (prices, payment.purpose, payment.owner_ref) != (dict(inputs.prices), inputs.purpose, inputs.owner_ref):
            raise KeyUsedDifferently(key=str(inputs.idempotency_key))
        return payment

    def _write(self, inputs: CreateInputs, internals: CreateInternals) -> AbstractPayment:
        if ours := inputs.extra.keys() & {column.name for column in AbstractPayment._meta.get_fields()}:
            raise TypeError(f"not a column of the project's own: {', '.join(sorted(ours))}")
        now = timezone.now()
        after_s = inputs.expires_after_s if inputs.expires_after_s is not None else configuration().expires_after_s
        if not 1 <= after_s <= EXPIRES_AFTER_MAX_S:
            raise ValueError(f"expires_after_s is 1 to {EXPIRES_AFTER_MAX_S}, not {after_s}")
        public_id = random_id()
        is_wallet = internals.receives_by is ReceivesBy.WALLET
        row = payment_model()(
            public_id=public_id,
            purpose=inputs.purpose,
            owner_ref=inputs.owner_ref,
            idempotency_key=inputs.idempotency_key,
            metadata=dict(inputs.metadata),
            receives_by=internals.receives_by.value,
            recipient=_claim_wallet(public_id) if is_wallet else configuration().receive_to,
            reference=None if is_wallet else new_reference(),
            created_at=now,
            changed_at=now,
            expires_at=now + timedelta(seconds=after_s),
            **inputs.extra,
        )
        row.save(force_insert=True)
        payment: AbstractPayment = row
        tokens: dict[str, Any] = dict(internals.tokens)
        prices = [Price(payment=row, token=tokens[mint], amount=amount) for mint, amount in inputs.prices.items()]
        Price.objects.bulk_create(prices)
        _watch(payment, list(tokens.values()), is_wallet)
        StraySearch.objects.create(payment=row, due_at=row.expires_at)
        write([News(f"{public_id}:initiated", "initiated", payment.pk, describe(payment, prices))])
        return payment


def _claim_wallet(public_id: str) -> str:
    claim: Callable[[str], Any] = import_string(configuration().wallets)
    claimed = claim(public_id)
    return str(getattr(claimed, "address", claimed))


def _watch(payment: Any, tokens: list[Any], is_wallet: bool) -> None:
    kind = WatchedAccount.Kind.ONE_TIME if is_wallet else WatchedAccount.Kind.RECEIVING
    rows = [
        WatchedAccount(
            address=holding_account(payment.recipient, token.mint, token.program),
            owner=payment.recipient,
            token=token,
            kind=kind,
            payment=payment if is_wallet else None,
            # A wallet that was never given out has nothing in it; what is in the merchant's is asked for at the first look.
            opening=0 if is_wallet else None,
            since=payment.created_at,
        )
        for token in sorted(tokens, key=lambda token: token.mint)
    ]
    if is_wallet:
        WatchedAccount.objects.bulk_create(rows)
        return
    known = set(
        WatchedAccount.objects.filter(address__in=[row.address for row in rows]).values_list("address", flat=True)
    )
    WatchedAccount.objects.bulk_create([row for row in rows if row.address not in known], ignore_conflicts=True)
