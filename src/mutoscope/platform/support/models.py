"""Tables of the support context."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class MailState(models.TextChoices):
    WAITING = "waiting", "waiting"
    SENT = "sent", "sent"
    DEAD = "dead", "given up"


class Mail(models.Model):
    """One mail on its way out. Written in the transaction that wants it sent, sent by a worker afterwards.

    Its content may hold a link that signs somebody in, so it is erased once the mail has left.
    """

    state = models.CharField(max_length=10, choices=MailState, default=MailState.WAITING)
    sender = models.CharField(max_length=400)
    recipients = ArrayField(models.CharField(max_length=320))
    subject = models.CharField(max_length=500)
    text = models.TextField(blank=True)
    # The whole message as it goes over the wire, Message-ID included: every attempt sends the same bytes.
    message = models.BinaryField()
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    leased_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "mail"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="waiting"), name="support_mail_waiting"),
            models.Index(fields=["-id"], condition=Q(state="dead"), name="support_mail_dead"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=MailState.values), name="support_mail_state_known"),
            models.CheckConstraint(
                condition=Q(state="waiting", ended_at=None) | (~Q(state="waiting") & Q(ended_at__isnull=False)),
                name="support_mail_ended_with_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.get_state_display()})"
