"""What a channel was told about a month, for ever."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from mutoscope.platform.billing.domain.lengths import REASON_LENGTH_MAX


class MonthlyStatement(models.Model):
    """A channel's account over one month (UTC), in points. Issued once, and neither changed nor deleted: a further one corrects it."""

    channel = models.ForeignKey("accounts.Channel", on_delete=models.PROTECT, related_name="+")
    year = models.SmallIntegerField()
    month = models.SmallIntegerField()
    # From 1 without gaps over all channels of the site, in each year of the months that they are about.
    number = models.IntegerField()
    # The one that this one takes the place of.
    corrects = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrected_by"
    )
    reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, default="")
    issued_at = models.DateTimeField(db_default=Now())
    opening_points = models.BigIntegerField()
    # What viewers were charged, fee included.
    sale_points = models.BigIntegerField()
    sales = models.IntegerField()
    tip_points = models.BigIntegerField()
    tips = models.IntegerField()
    # What viewers got back, fee included.
    refund_points = models.BigIntegerField()
    refunds = models.IntegerField()
    # The site's part of sales and tips, less its part of refunds: below zero in a month of refunds.
    fee_points = models.BigIntegerField()
    payout_points = models.BigIntegerField()
    payouts = models.IntegerField()
    # Whatever else moved; nothing does so far.
    other_points = models.BigIntegerField(default=0)
    closing_points = models.BigIntegerField()

    class Meta:
        ordering = ["-year", "-month", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["year", "number"], name="billing_monthly_statement_number_once"),
            models.UniqueConstraint(
                fields=["channel", "year", "month"],
                condition=Q(corrects__isnull=True),
                name="billing_monthly_statement_once",
            ),
            models.CheckConstraint(
                condition=Q(month__gte=1, month__lte=12, year__gte=2000, number__gte=1),
                name="billing_monthly_statement_month",
            ),
            models.CheckConstraint(
                condition=Q(
                    closing_points=F("opening_points")
                    + F("sale_points")
                    + F("tip_points")
                    - F("refund_points")
                    - F("fee_points")
                    - F("payout_points")
                    + F("other_points")
                ),
                name="billing_monthly_statement_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(corrects__isnull=True, reason="") | (Q(corrects__isnull=False) & ~Q(reason="")),
                name="billing_monthly_statement_corrects_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.label()

    def label(self) -> str:
        """Its number as it is printed: `2026-000017`."""
        return f"{self.year}-{self.number:06}"

    def period(self) -> str:
        """Its month for programs: `2026-02`."""
        return f"{self.year}-{self.month:02}"

    def month_words(self) -> str:
        """Its month for people: `February 2026`."""
        return f"{date(self.year, self.month, 1):%B %Y}"
