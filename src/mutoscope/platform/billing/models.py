"""Tables of the billing context. Balances are not here: they are the ledger's. What is here says what was agreed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from mutoscope.platform.billing.bundles.models import Bundle, BundleFilm, BundlePurchase
from mutoscope.platform.billing.coupons.models import Coupon, CouponUse
from mutoscope.platform.billing.domain.lengths import KEY_LENGTH_MAX, REASON_LENGTH_MAX
from mutoscope.platform.billing.domain.money import CENTS_MAX, POINTS_MAX
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.monthly.models import MonthlyStatement
from mutoscope.platform.billing.payouts.models import Payout, PayoutAddress
from mutoscope.platform.billing.tips.models import NOTE_LENGTH_MAX, Tip
from mutoscope.platform.billing.topup_refunds.models import RefundAddress, TopUpRefund

__all__ = [
    "FREE",
    "KEY_LENGTH_MAX",
    "NOTE_LENGTH_MAX",
    "REASON_LENGTH_MAX",
    "TERMS",
    "BookAccount",
    "Bundle",
    "BundleFilm",
    "BundlePurchase",
    "Coupon",
    "CouponUse",
    "Entitlement",
    "Grant",
    "MonthlyStatement",
    "Offer",
    "Pack",
    "Payout",
    "PayoutAddress",
    "Purchase",
    "Reconciliation",
    "Refund",
    "RefundAddress",
    "Tip",
    "TopUp",
    "TopUpRefund",
]

FREE = "free"
TERMS = [(term.value, term.value) for term in Term]


class BookAccount(models.Model):
    """Which account of the ledger belongs to whom. One look-up by key finds it; opened once, never changed."""

    # "points" of a person, "earnings" of a channel, and the house's own, of owner 0.
    kind = models.CharField(max_length=12)
    owner_id = models.BigIntegerField(default=0)
    account_id = models.BigIntegerField(unique=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "owner_id"], name="billing_book_account_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.owner_id}"


class Pack(models.Model):
    """Points sold together. Bonus points come on top and are paid for by the house."""

    title = models.CharField(max_length=40)
    points = models.IntegerField()
    bonus_points = models.IntegerField(default=0)
    price_usd_cents = models.IntegerField()
    # Whoever is asked to choose sees the packs in this order.
    position = models.SmallIntegerField(default=0)
    on_sale_from = models.DateTimeField(default=timezone.now)
    on_sale_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "points", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(points__gte=1) & Q(points__lte=POINTS_MAX), name="billing_pack_points"),
            models.CheckConstraint(
                condition=Q(bonus_points__gte=0) & Q(bonus_points__lte=POINTS_MAX), name="billing_pack_bonus"
            ),
            models.CheckConstraint(
                condition=Q(price_usd_cents__gte=1) & Q(price_usd_cents__lte=CENTS_MAX), name="billing_pack_price"
            ),
            models.CheckConstraint(
                condition=Q(on_sale_until__isnull=True) | Q(on_sale_until__gt=F("on_sale_from")),
                name="billing_pack_sale_period",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def total_points(self) -> int:
        """Points and bonus together."""
        return self.points + self.bonus_points


class Offer(models.Model):
    """The price of one term of a film, from a moment to another. Rows are added and ended, never changed: they are the history.

    The term "free" at 0 points means that anybody may watch.
    """

    video = models.ForeignKey("videos.Video", on_delete=models.CASCADE, related_name="+")
    term = models.CharField(max_length=8, choices=[*TERMS, (FREE, FREE)])
    points = models.IntegerField()
    by = models.ForeignKey("accounts.Person", on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["video", "-id"], name="billing_offer_history")]
        constraints = [
            models.UniqueConstraint(
                fields=["video", "term"], condition=Q(ended_at__isnull=True), name="billing_offer_one_current"
            ),
            models.CheckConstraint(condition=Q(term__in=[*Term, FREE]), name="billing_offer_term"),
            models.CheckConstraint(
                condition=(Q(term=FREE) & Q(points=0)) | (~Q(term=FREE) & Q(points__gte=1) & Q(points__lte=POINTS_MAX)),
                name="billing_offer_points",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="billing_offer_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.term} for {self.points}"


class Entitlement(models.Model):
    """A viewer's right to watch a film until a moment, or for ever. One row for each, brought up to date by each purchase."""

    # No index of its own here and in Purchase, where a longer one begins with it: each is written at every click.
    # Nor a constraint: there is none without a receipt, which has it.
    viewer = models.ForeignKey(
        "accounts.Person", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    # Without a constraint in the database: it would lock the film's row for each purchase, and a popular film has many
    # at once. PROTECT holds all the same, and `mutoscope reconcile` looks.
    video = models.ForeignKey("videos.Video", on_delete=models.PROTECT, related_name="+", db_constraint=False)
    # Null is for ever.
    expires_at = models.DateTimeField(null=True, blank=True)
    # Counts purchases and refunds. A click says which version it saw, so that two tabs cannot buy twice.
    version = models.IntegerField(default=1)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["viewer", "video"], name="billing_entitlement_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="billing_entitlement_version"),
        ]

    def __str__(self) -> str:
        return f"entitlement {self.pk}"


class Purchase(models.Model):
    """A receipt: what one click bought, at which price, and the ledger's transfer that paid it.

    That its parts add up, and that its term, end and transfer agree, a trigger sees to (migrations/0036): no CHECK, because those
    are read from their text anew for each click.
    """

    viewer = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", db_index=False)
    # See Entitlement.video.
    video = models.ForeignKey("videos.Video", on_delete=models.PROTECT, related_name="+", db_constraint=False)
    channel = models.ForeignKey(
        "accounts.Channel", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    # Null for a film that was bought in a bundle.
    offer = models.ForeignKey(
        Offer, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    bundle_purchase = models.ForeignKey(
        BundlePurchase, on_delete=models.PROTECT, null=True, blank=True, related_name="films", db_index=False
    )
    # The entitlement's version that the viewer saw.
    number = models.IntegerField()
    term = models.CharField(max_length=8, choices=TERMS)
    price_points = models.IntegerField()
    credit_points = models.IntegerField(default=0)
    # What a code took off.
    discount_points = models.IntegerField(default=0, db_default=0)
    fee_points = models.IntegerField()
    creator_points = models.IntegerField()
    is_upgrade = models.BooleanField(default=False)
    bought_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    # Null where a code took everything off: then nothing moved.
    transfer_id = models.BigIntegerField(null=True, blank=True)
    # What the caller of the API called it; empty for a click on a page.
    request_key = models.CharField(max_length=KEY_LENGTH_MAX, blank=True, default="")
    # The upgrade that this one was credited to.
    credited_to = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    refunded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["channel", "bought_at"], name="billing_purchase_revenue"),
            # Of the few that have one.
            models.Index(
                fields=["channel", "refunded_at"],
                condition=Q(refunded_at__isnull=False),
                name="billing_purchase_refunded",
            ),
            models.Index(
                fields=["bundle_purchase"],
                condition=Q(bundle_purchase__isnull=False),
                name="billing_purchase_of_bundle",
            ),
            models.Index(
                fields=["credited_to"], condition=Q(credited_to__isnull=False), name="billing_purchase_credited"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["viewer", "video", "number"], name="billing_purchase_once"),
            models.UniqueConstraint(
                fields=["transfer_id"],
                condition=Q(bundle_purchase__isnull=True),
                name="billing_purchase_one_transfer",
            ),
            models.UniqueConstraint(
                fields=["viewer", "request_key"], condition=~Q(request_key=""), name="billing_purchase_request_once"
            ),
        ]

    def __str__(self) -> str:
        points = self.paid_points()
        return f"{self.term} for {points:,} point{'' if points == 1 else 's'}"

    def paid_points(self) -> int:
        """What the viewer was charged."""
        return self.fee_points + self.creator_points


class Refund(models.Model):
    """A purchase taken back by staff: the transfer reversed, the time it gave taken away. A bundle's have one transfer together."""

    purchase = models.OneToOneField(Purchase, on_delete=models.PROTECT, related_name="refund")
    by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=REASON_LENGTH_MAX)
    # Null of an upgrade that a code paid for: it is taken back so that what it was credited for can be.
    transfer_id = models.BigIntegerField(null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="billing_refund_has_reason"),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"


class Grant(models.Model):
    """Points given by the house for nothing: to try, or to make up for something."""

    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    points = models.IntegerField()
    reason = models.CharField(max_length=REASON_LENGTH_MAX)
    transfer_id = models.BigIntegerField(unique=True)
    key = models.CharField(max_length=KEY_LENGTH_MAX, unique=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(points__gte=1) & Q(points__lte=POINTS_MAX), name="billing_grant_points"),
            models.CheckConstraint(condition=~Q(reason=""), name="billing_grant_has_reason"),
        ]

    def __str__(self) -> str:
        return f"grant of {self.points}"


class Reconciliation(models.Model):
    """One comparison of the books with what was agreed, and what it found."""

    at = models.DateTimeField(default=timezone.now)
    is_clean = models.BooleanField()
    # A list of {"name", "meaning", "rows"}.
    findings = models.JSONField()
    # Where the money is that came in: a list of {"place", "symbol", "decimals", "amount", "accounts"}.
    holdings = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return "all is well" if self.is_clean else f"{len(self.findings)} findings"


class TopUp(models.Model):
    """A pack that somebody wants to pay for in one token, at a rate that is fixed from here on. The payment says what arrived."""

    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    pack = models.ForeignKey(Pack, on_delete=models.PROTECT, related_name="+")
    points = models.IntegerField()
    bonus_points = models.IntegerField()
    price_usd_cents = models.IntegerField()
    # The token that was chosen, empty for SOL. The payment has a price in the others as well, for whoever sends one of those.
    mint = models.CharField(max_length=44, blank=True)
    # Dollars for one whole token, as they were quoted.
    rate_usd = models.CharField(max_length=40)
    # The film to go back to; empty for the wallet.
    film = models.CharField(max_length=12, blank=True)
    # The payments engine's, which may bring a model of its own: its key, and what stands in its address.
    payment_id = models.BigIntegerField(unique=True)
    public_id = models.CharField(max_length=22, unique=True)
    asked_at = models.DateTimeField(db_default=Now())
    # Null until the payment is final.
    transfer_id = models.BigIntegerField(unique=True, null=True, blank=True)
    credited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "top-up"
        indexes = [models.Index(fields=["person", "-id"], name="billing_top_up_of")]
        constraints = [
            models.CheckConstraint(
                condition=Q(transfer_id__isnull=True, credited_at__isnull=True)
                | Q(transfer_id__isnull=False, credited_at__isnull=False),
                name="billing_top_up_credited_by_a_transfer",
            ),
            models.CheckConstraint(
                condition=Q(points__gte=1, bonus_points__gte=0, price_usd_cents__gte=1), name="billing_top_up_amounts"
            ),
        ]

    def __str__(self) -> str:
        return f"top-up {self.pk}"

    def total_points(self) -> int:
        """Points and bonus together."""
        return self.points + self.bonus_points
