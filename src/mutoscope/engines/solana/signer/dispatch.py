"""Waiting jobs, planned, packed, signed, written down, and only then broadcast."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import DEFAULT_DB_ALIAS
from solders.hash import Hash

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.solana.signer.adoption import adopt
from mutoscope.engines.solana.signer.batches import UNITS_MAX, Draft, drafts, price_of, units_for
from mutoscope.engines.solana.signer.chain import Blockhash, Chain, ChainUnavailable
from mutoscope.engines.solana.signer.configuration import Configuration, Token
from mutoscope.engines.solana.signer.journal import Journal, Signed
from mutoscope.engines.solana.signer.models import JobState, Kind, SignerJob
from mutoscope.engines.solana.signer.plan import Accounts, NotNow, Plan, Planner, Refused, Rent
from mutoscope.engines.solana.signer.receipts import Receipt, UnreadableReceipt, read_receipt, unlisted_token
from mutoscope.engines.solana.signer.record import AlreadySigned, record
from mutoscope.engines.solana.signer.seeds import WALLETS, Operator, Seeds
from mutoscope.engines.solana.signer.vault import KeyName, WrongKey, sign
from mutoscope.engines.solana.wallets.models import Wallet

SQL = SqlFile("mutoscope.engines.solana", "signer/jobs.sql")
logger = logging.getLogger("mutoscope.solana.signer")

JOBS_AT_ONCE = 100
RETRY_MIN_S, RETRY_MAX_S = 2.0, 600.0
REFUSALS_MAX = 8
TOKEN_ACCOUNT_BYTES = 182  # Of Token-2022 with a fee and an immutable owner; the classic one has 165.
PRICES_PER_CALL = 32


@dataclass(frozen=True, slots=True)
class Refund:
    """Where a refund comes from and goes to."""

    token: Token
    origin: KeyName
    to: str
    received: int


class Dispatcher:
    """Takes waiting jobs to the chain. Knows where the keys are and asks for signatures; never sees a key."""

    def __init__(
        self, configuration: Configuration, chain: Chain, seeds: Seeds, journal: Journal, using: str = DEFAULT_DB_ALIAS
    ) -> None:
        self.configuration = configuration
        self.chain = chain
        self.seeds = seeds
        self.journal = journal
        self.using = using
        self.operator: Operator = seeds.operator()
        rent = Rent(wallet=chain.rent(0), token_account=chain.rent(TOKEN_ACCOUNT_BYTES))
        self.planner = Planner(configuration, self.operator, rent)
        self._refunds: dict[int, Refund] = {}

    def run(self) -> int:
        """Look at every job whose time has come; how many transactions were broadcast. Raises ChainUnavailable, VaultRefused."""
        numbers = [row[0] for row in SQL.fetch(self.using, "due", {"limit": JOBS_AT_ONCE})]
        jobs = list(SignerJob.objects.using(self.using).filter(pk__in=numbers).select_related("wallet").order_by("pk"))
        jobs = [job for job in jobs if not self._settled_otherwise(job)]
        jobs, accounts = self._look(jobs)
        alone = [job for job in jobs if job.kind in (Kind.REFUND, Kind.PAYOUT)]
        together = [job for job in jobs if job.kind in (Kind.SWEEP, Kind.RECLAIM)]
        plans = [plan for job in together if (plan := self._plan(job, accounts)) is not None]
        sent = sum(self._dispatch(draft) for draft in drafts(plans, self.operator.fee, self._price(plans)))
        for job in alone:
            # Planned after the one before it was written down, so that each sees what is still to spend.
            plan = self._plan(job, accounts)
            if plan is not None:
                sent += self._dispatch(Draft((plan,), self.operator.fee, UNITS_MAX, self._price([plan])))
        return sent

    # From jobs to plans

    def _settled_otherwise(self, job: SignerJob) -> bool:
        """Jobs that need no transaction, or have one already that the database was made to forget."""
        if job.kind == Kind.DERIVE:
            self.seeds.fill_pool_by(job.amount or 0)
            self._end(job, JobState.SETTLED, "", job.amount)
            return True
        if job.attempts >= self.configuration.attempts_max:
            self._end(job, JobState.FAILED, f"Given up after {job.attempts} transactions, none of which landed.")
            return True
        return adopt(self.journal, job, using=self.using)

    def _look(self, jobs: Sequence[SignerJob]) -> tuple[list[SignerJob], Accounts]:
        """The jobs that can be planned, and every account that planning them needs, in as few calls as there are hundreds of them."""
        wanted: list[str] = []
        kept: list[SignerJob] = []
        self._refunds = {}
        for job in jobs:
            try:
                refund = self._refund(job) if job.kind == Kind.REFUND else None
                if refund is not None:
                    self._refunds[job.pk] = refund
                    wanted += self.planner.addresses_of_refund(refund.token, refund.origin, refund.to)
                else:
                    wanted += self.planner.addresses(job)
                kept.append(job)
            except (Refused, NotNow) as reason:
                self._decline(job, reason)
        return kept, self.chain.accounts(list(dict.fromkeys(wanted)))

    def _refund(self, job: SignerJob) -> Refund:
        transaction = self.chain.transaction(job.receipt)
        if transaction is None:
            raise NotNow("The payment's transaction is not finalized, or the node does not know it.", RETRY_MAX_S)
        wallet = Wallet.objects.using(self.using).filter(address=job.receiver).first()
        if wallet is None and job.receiver not in self.configuration.receivers:
            raise Refused(
                f"{job.receiver} is none of our wallets, and not among the receivers of the signer's configuration."
            )
        try:
            if wallet is not None and self.configuration.refund_unlisted and job.mint not in self.configuration.tokens:
                token = unlisted_token(transaction, job.receiver, job.mint)
            else:
                token = self.planner.token(job)
            receipt = read_receipt(transaction, job.receiver, token)
        except UnreadableReceipt as error:
            raise Refused(str(error)) from None
        origin = (
            KeyName(WALLETS, wallet.epoch, wallet.index, wallet.address) if wallet is not None else self.operator.payout
        )
        to = _payer(job, receipt, may_be_elsewhere=self.configuration.refund_elsewhere)
        return Refund(token, origin, to, receipt.received)

    def _plan(self, job: SignerJob, accounts: Accounts) -> Plan | None:
        try:
            if job.kind == Kind.SWEEP:
                if self._reserved(job.wallet.address if job.wallet else "", job.mint):
                    raise NotNow("A refund from this wallet is under way.", RETRY_MIN_S)
                return self.planner.sweep(job, accounts)
            if job.kind == Kind.RECLAIM:
                return self.planner.reclaim(job, accounts)
            if job.kind == Kind.PAYOUT:
                return self.planner.payout(job, accounts, self._reserved(self.operator.payout.address, job.mint))
            refund = self._refunds[job.pk]
            origin = refund.origin
            if origin.purpose == WALLETS:
                if self._reserved(origin.address, job.mint):
                    raise NotNow("A transaction from this wallet is under way.", RETRY_MIN_S)
                if not self.planner.covers(job, refund.token, origin, accounts):
                    if not refund.token.is_listed:
                        raise Refused(f"The wallet that {refund.token.name} came to holds too little of it.")
                    origin = self.operator.payout
            reserved = self._reserved(origin.address, job.mint)
            return self.planner.refund(job, refund.token, origin, refund.to, accounts, reserved)
        except (Refused, NotNow) as reason:
            self._decline(job, reason)
            return None

    def _reserved(self, origin: str, mint: str) -> int:
        ((reserved,),) = SQL.fetch(self.using, "reserved", {"origin": origin, "mint": mint})
        return int(reserved)

    # From plans to the chain

    def _price(self, plans: Sequence[Plan]) -> int:
        low, high = self.configuration.price_min, self.configuration.price_max
        if not plans or low == high:
            return low
        written = list(dict.fromkeys(plan.origin for plan in plans))[:PRICES_PER_CALL]
        try:
            return price_of(self.chain.recent_prices(written), low, high)
        except ChainUnavailable:
            # A price is a wish. Without one, what was configured as the least.
            return low

    def _dispatch(self, draft: Draft) -> int:
        """Simulate, sign, write down, broadcast. Returns 1 when it was broadcast or is about to be."""
        simulation = self.chain.simulate(draft.unsigned_wire())
        if simulation.error:
            self._explain_refusal(draft, simulation.error, simulation.logs)
            return 0
        units = units_for(simulation.units)
        # The cap on the fee lowers the price: late is better than dear.
        price = min(draft.price, self.configuration.fee_lamports_max * 1_000_000 // units)
        draft = replace(draft, units=units, price=price)
        if not self._can_pay(draft):
            return 0
        blockhash = self.chain.latest_blockhash()
        return self._sign_and_send(draft, blockhash)

    def _sign_and_send(self, draft: Draft, blockhash: Blockhash) -> int:
        keys = draft.signers()
        block = Hash.from_string(blockhash.value)
        envelopes = self.seeds.envelopes({(key.purpose, key.epoch) for key in keys})
        try:
            signatures = sign(self.seeds.ring, envelopes, draft.signed_bytes(block), keys)
        except WrongKey as error:
            # Somebody wrote to the table of wallets. That one job ends here, and everybody else's goes on.
            logger.error("nothing is signed: %s", error, extra={"action": "signer.wrong_key", "error": str(error)})
            for plan in draft.plans:
                if len(draft.plans) > 1:
                    self._postpone(plan.job, str(error), 0.0, alone=True)
                else:
                    self._end(plan.job, JobState.FAILED, str(error))
            return 0
        wire = draft.wire(block, signatures)
        signature = str(signatures[0])
        try:
            attempt = record(
                draft.plans,
                signature,
                blockhash,
                wire,
                draft.fee() + draft.rent(),
                received=lambda plan: self._refunds[plan.job.pk].received if plan.job.pk in self._refunds else 0,
                # Every check passed. Should the commit fail now, the journal knows of a transaction that was never sent: it is followed until it is dead.
                last=lambda: self.journal.record([_signed(plan, signature, blockhash) for plan in draft.plans]),
                using=self.using,
            )
        except AlreadySigned:
            return 0
        except (Refused, NotNow) as reason:
            for plan in draft.plans:
                self._decline(plan.job, reason, alone=len(draft.plans) > 1)
            return 0
        jobs = [plan.job.pk for plan in draft.plans]
        told = {"action": "signer.signed", "signature": signature, "jobs": jobs}
        logger.info("signed transaction %s for jobs %s", signature, jobs, extra=told)
        broadcast(self.chain, attempt, wire, using=self.using)
        return 1

    def _can_pay(self, draft: Draft) -> bool:
        """Whether the fee account can pay and stay alive. Otherwise its jobs wait, with the reason."""
        fee = self.operator.fee.address
        account = self.chain.accounts([fee])[fee]
        ((reserved,),) = SQL.fetch(self.using, "reserved_fees")
        available = (account.lamports if account else 0) - reserved - self.planner.rent.wallet
        needed = draft.fee() + draft.rent()
        if available >= needed:
            return True
        reason = NotNow(
            f"The fee account {fee} is low: {needed} lamports are needed and {max(available, 0)} are there.", 30.0
        )
        for plan in draft.plans:
            self._decline(plan.job, reason)
        return False

    def _explain_refusal(self, draft: Draft, error: str, logs: Sequence[str]) -> None:
        """In company nobody knows whose fault it is: each goes alone next time. Alone, it waits longer and longer, then fails."""
        for plan in draft.plans:
            if len(draft.plans) > 1:
                self._postpone(plan.job, f"Refused in company: {error}", 0.0, alone=True)
                continue
            told = f"The chain would refuse it: {error}. {' '.join(logs[-2:])}"[:1000]
            if plan.job.refusals + 1 >= REFUSALS_MAX:
                self._end(plan.job, JobState.FAILED, told)
            else:
                delay_s = min(RETRY_MIN_S * 2**plan.job.refusals, RETRY_MAX_S)
                self._postpone(plan.job, told, delay_s, refusal=1)

    # What becomes of a job without a transaction

    def _decline(self, job: SignerJob, reason: Refused | NotNow, *, alone: bool = False) -> None:
        if isinstance(reason, NotNow):
            self._postpone(job, str(reason), reason.seconds, alone=alone)
        elif alone:
            self._postpone(job, str(reason), 0.0, alone=True)
        else:
            self._end(job, JobState.VOIDED, str(reason))

    def _end(self, job: SignerJob, state: JobState, reason: str, moved: int | None = None) -> None:
        SQL.run(self.using, "end", {"job": job.pk, "state": state, "reason": reason, "moved": moved})
        told = {"action": "signer.ended", "job": job.pk, "state": str(state), "reason": reason}
        logger.info("job %d is %s without a transaction. %s", job.pk, state, reason, extra=told)

    def _postpone(self, job: SignerJob, reason: str, seconds: float, *, refusal: int = 0, alone: bool = False) -> None:
        wanted = {"job": job.pk, "reason": reason, "seconds": seconds, "refusal": refusal, "alone": alone}
        SQL.run(self.using, "postpone", wanted)


def broadcast(chain: Chain, attempt: int, wire: bytes, *, using: str) -> None:
    """Send what is written down. A node that does not answer may have taken it all the same, so nothing is concluded from that."""
    try:
        chain.send(wire)
    except ChainUnavailable as error:
        logger.warning(
            "a node did not take transaction attempt %d, which is followed all the same: %s",
            attempt,
            error,
            extra={"action": "signer.unanswered", "attempt": attempt, "error": str(error)},
        )
    SQL.run(using, "broadcast", {"attempt": attempt})


def _payer(job: SignerJob, receipt: Receipt, *, may_be_elsewhere: bool) -> str:
    """Who gets it back. Raises Refused when that is not one of those who paid, unless the operator lets it go elsewhere."""
    if job.destination:
        if job.destination not in receipt.payers and not may_be_elsewhere:
            raise Refused(
                f"{job.destination} did not pay: a refund goes back to where the money came from (refund_elsewhere)."
            )
        return job.destination
    if len(receipt.payers) != 1:
        raise Refused(f"{len(receipt.payers)} wallets paid together: the request has to name one of them.")
    return receipt.payers[0]


def _signed(plan: Plan, signature: str, blockhash: Blockhash) -> Signed:
    job = plan.job
    return Signed(
        key=job.key,
        kind=job.kind,
        mint=job.mint,
        origin=plan.origin,
        destination=plan.destination,
        amount=plan.amount,
        signature=signature,
        blockhash=blockhash.value,
        last_valid=blockhash.last_valid_block_height,
    )
