"""Writing down what was signed, before anybody sees it: caps of the day, never twice, and the refunds of one receipt, in one transaction."""

from __future__ import annotations

from collections.abc import Callable

from django.db import IntegrityError, transaction

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.solana.signer.chain import Blockhash
from mutoscope.engines.solana.signer.models import Kind, SignerAttempt, SignerLeg
from mutoscope.engines.solana.signer.plan import CAP_RETRY_S, NotNow, Plan, Refused

SQL = SqlFile("mutoscope.engines.solana", "signer/jobs.sql")


# The constraints that say so.
TAKEN = ("solana_signer_leg_never_twice", "solana_signer_attempt_signature")


class AlreadySigned(Exception):
    """Another signer was quicker: a job of this transaction is bound by another attempt. This one must not be sent."""


def record(
    plans: tuple[Plan, ...],
    signature: str,
    blockhash: Blockhash,
    wire: bytes,
    fee_lamports: int,
    *,
    received: Callable[[Plan], int],
    last: Callable[[], None],
    using: str,
) -> int:
    """Write a signed transaction and what it does for each job; the attempt's id. `last` runs right before the commit. Raises AlreadySigned.

    Raises Refused and NotNow as `check_limits` does; nothing is written then, and the transaction must not be sent.
    """
    try:
        with transaction.atomic(using=using):
            SQL.fetch(using, "lock_day")
            attempt = SignerAttempt.objects.using(using).create(
                signature=signature,
                blockhash=blockhash.value,
                last_valid_block_height=blockhash.last_valid_block_height,
                wire=wire,
                fee_lamports=fee_lamports,
            )
            for plan in plans:
                # One by one, so that each sees what those before it take.
                check_limits(plan, received(plan), using=using)
                SignerLeg.objects.using(using).create(
                    attempt=attempt,
                    job=plan.job,
                    kind=plan.job.kind,
                    mint=plan.job.mint,
                    origin=plan.origin,
                    destination=plan.destination,
                    amount=plan.amount,
                )
            jobs = [plan.job.pk for plan in plans]
            if SQL.run(using, "sign", {"signature": signature, "jobs": jobs}) != len(jobs):
                raise AlreadySigned
            last()
            return int(attempt.pk)
    except IntegrityError as error:
        if not any(name in str(error) for name in TAKEN):
            raise
        raise AlreadySigned from error


def check_limits(plan: Plan, received: int, *, using: str) -> None:
    """Raises NotNow when the day's cap is reached, Refused when more would go back than one receipt brought."""
    job = plan.job
    if job.kind == Kind.RECLAIM:
        return
    token = plan.token
    cap = token.caps(job.kind).day
    if plan.amount > cap:
        raise Refused(f"{plan.amount} base units of {token.name} are above the signer's cap for a day, {cap}.")
    ((spent,),) = SQL.fetch(using, "spent", {"kind": job.kind, "mint": job.mint})
    if spent + plan.amount > cap:
        raise NotNow(
            f"The cap of the day is reached: {spent} of {cap} base units of {token.name} left by {job.kind}.",
            CAP_RETRY_S,
        )
    if job.kind == Kind.REFUND:
        ((refunded,),) = SQL.fetch(
            using, "refunded", {"receipt": job.receipt, "receiver": job.receiver, "mint": job.mint}
        )
        if refunded + plan.amount > received:
            raise Refused(
                f"The payment brought {received} base units of {token.name}, and {refunded} went back already."
            )
