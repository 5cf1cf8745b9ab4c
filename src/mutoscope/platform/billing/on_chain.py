"""What this context knows of the signer's work: how far it is with something that it was asked to send, and how it ends."""

from __future__ import annotations

from django.db import models

from mutoscope.engines.solana.signer.models import JobState


class Progress(models.TextChoices):
    """How far the signer is with it; none where it was not asked."""

    NONE = "", "not asked for"
    ORDERED = "ordered", "ordered"
    SIGNED = "signed", "signed"
    SENT = "sent", "sent"
    CONFIRMED = "confirmed", "confirmed"


STEPS = {
    JobState.SIGNED: Progress.SIGNED,
    JobState.SENT: Progress.SENT,
    JobState.CONFIRMED: Progress.CONFIRMED,
    # No attempt landed in its time, and the signer makes another.
    JobState.EXPIRED: Progress.ORDERED,
}
