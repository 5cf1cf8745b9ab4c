"""Accounts that are being closed, or were; and handles that nobody gets again."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

REASON_LENGTH_MAX = 300


class Closing(models.Model):
    """One account on its way out. The row goes when its person comes back, and stays for ever once all was erased."""

    person = models.OneToOneField("accounts.Person", on_delete=models.CASCADE, primary_key=True, related_name="closing")
    asked_at = models.DateTimeField(db_default=Now())
    # From then on it is erased; until it was, its person may come back.
    erase_at = models.DateTimeField()
    # Who of the staff closed it, where its person wrote instead of doing it; and why, until all is erased.
    by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, default="")
    # Whether it could be used until then. Whoever was suspended does not come back by closing the account.
    was_active = models.BooleanField(default=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    # The channel's picture that is still to be deleted: written with the erasure, emptied when the file is gone.
    picture = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        ordering = ["-asked_at"]
        indexes = [
            models.Index(fields=["erase_at"], condition=Q(erased_at__isnull=True), name="accounts_closing_due"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(reason=""), name="accounts_closing_erased_keeps_no_reason"
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=False) | Q(picture=""), name="accounts_closing_files_last"
            ),
        ]

    def __str__(self) -> str:
        return "closed" if self.erased_at is not None else "being closed"


class RetiredHandle(models.Model):
    """That a channel had this handle once. Links lead to it, so nobody else may pass for that channel.

    Only a keyed digest of its skeleton is kept: it tells a handle that was, and names none.
    """

    digest = models.CharField(max_length=64, primary_key=True)

    def __str__(self) -> str:
        return "a handle of a closed channel"
