"""A job that the journal remembers and the database does not: the database was restored, and would pay a second time."""

from __future__ import annotations

import logging

from django.db import transaction

from mutoscope.engines.postgres.named_sql import SqlFile
from mutoscope.engines.solana.signer.journal import Journal
from mutoscope.engines.solana.signer.models import SignerAttempt, SignerJob, SignerLeg

SQL = SqlFile("mutoscope.engines.solana", "signer/jobs.sql")
logger = logging.getLogger("mutoscope.solana.signer")


def adopt(journal: Journal, job: SignerJob, *, using: str) -> bool:
    """Put a forgotten transaction of this job back into the database; True when there was one.

    It is then followed like any other: it has landed, may still land, or turns out dead, after which the job may be signed anew. One at a
    time: the next is adopted when the one before is known to be dead.
    """
    signed = journal.signed_for(job.key)
    if not signed:
        return False
    known = set(
        SignerAttempt.objects.using(using)
        .filter(signature__in=[each.signature for each in signed])
        .values_list("signature", flat=True)
    )
    forgotten = next((each for each in signed if each.signature not in known), None)
    if forgotten is None:
        return False
    company = journal.signed_with(forgotten.signature)
    jobs = {found.key: found for found in SignerJob.objects.using(using).filter(key__in=[each.key for each in company])}
    with transaction.atomic(using=using):
        attempt = SignerAttempt.objects.using(using).create(
            signature=forgotten.signature,
            blockhash=forgotten.blockhash,
            last_valid_block_height=forgotten.last_valid,
            # Not kept: whatever is to come of it is on its way, or will not come.
            wire=b"",
            fee_lamports=0,
        )
        bound = [each for each in company if each.key in jobs]
        for each in bound:
            SignerLeg.objects.using(using).create(
                attempt=attempt,
                job=jobs[each.key],
                kind=each.kind,
                mint=each.mint,
                origin=each.origin,
                destination=each.destination,
                amount=each.amount,
            )
        SQL.run(using, "sign", {"signature": forgotten.signature, "jobs": [jobs[each.key].pk for each in bound]})
    logger.error(
        "job %d has transaction %s in the journal and not in the database, which was restored: it is followed",
        job.pk,
        forgotten.signature,
        extra={"action": "signer.adopted", "job": job.pk, "signature": forgotten.signature},
    )
    return True
