"""What becomes of the signer's job becomes of the refund, in the transaction in which the engine notes that it was told."""

from __future__ import annotations

import re
from typing import Any

import structlog

from mutoscope.engines.solana.outbox import signals
from mutoscope.engines.solana.signer.models import JobState, Kind
from mutoscope.engines.solana.signer.outbox import JobNews
from mutoscope.platform.billing.failures import CannotSendBack
from mutoscope.platform.billing.models import TopUpRefund
from mutoscope.platform.billing.on_chain import STEPS
from mutoscope.platform.billing.topup_refunds.service import EndRefund, EndRefundInputs

log = structlog.get_logger(__name__)

# As `TopUpRefund.key` makes them.
KEY = re.compile(r"top-up-refund:([0-9]{1,18})")
ENDS = {
    JobState.SETTLED: TopUpRefund.State.PAID,
    JobState.FAILED: TopUpRefund.State.FAILED,
    JobState.VOIDED: TopUpRefund.State.VOIDED,
}


def follow_job(sender: Any, news: JobNews, **_: Any) -> None:
    """A job of the signer changed. Those that are no refunds of ours are left alone."""
    named = KEY.fullmatch(news.key)
    if news.kind != Kind.REFUND or named is None:
        return
    refund = TopUpRefund.objects.filter(pk=int(named.group(1))).exclude(progress="").first()
    if refund is None:
        return
    state = JobState(news.state)
    if state in STEPS:
        TopUpRefund.objects.filter(pk=refund.pk, state=TopUpRefund.State.APPROVED).update(
            progress=STEPS[state], signature=news.signature
        )
    elif state in ENDS:
        # A transaction that moved nothing is nobody's to look at.
        signature = news.signature if state is JobState.SETTLED else ""
        try:
            EndRefund().call(EndRefundInputs(refund.pk, ENDS[state], reason=news.reason, signature=signature))
        except CannotSendBack as refusal:
            # Ended otherwise. Refused news would come again for ever and hold up all after it; each night's comparison finds it.
            log.error("a refund ended twice", action="top_up_refund_differs", refund=refund.pk, why=refusal.sentence())


def listen() -> None:
    """Be told of every job of the signer."""
    signals.job_changed.connect(follow_job, dispatch_uid="billing.topup_refunds.follow")
