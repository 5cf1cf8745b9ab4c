"""Tables between the signer and everybody else. Who may write what is docs/keys.md's table of grants; guards.sql holds the moves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mutoscope.engines.solana.wallets.models import Wallet

KEY_LENGTH_MAX = 200


class SealedSeed(models.Model):
    """A seed under two levels of keys. Readable by the signer's database role alone, and useless without its key-encryption key."""

    purpose = models.CharField(max_length=20, help_text="wallets or operator")
    epoch = models.IntegerField()
    version = models.IntegerField(help_text="grows with each new sealing")
    kek = models.CharField(max_length=200, help_text="name of the key-encryption key")
    envelope = models.TextField()
    next_index = models.BigIntegerField(default=0, help_text="of the next wallet; never goes back")
    created_at = models.DateTimeField(db_default=Now())
    sealed_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(
        null=True, help_text="no new wallets since then; it still signs for those it made"
    )

    class Meta:
        db_table = "solana_sealed_seed"
        constraints = [
            models.UniqueConstraint(fields=["purpose", "epoch"], name="solana_sealed_seed_epoch_once"),
            models.UniqueConstraint(
                fields=["purpose"], condition=Q(retired_at__isnull=True), name="solana_sealed_seed_one_current"
            ),
            models.CheckConstraint(
                condition=Q(epoch__gte=1, version__gte=1, next_index__gte=0), name="solana_sealed_seed_numbers"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} epoch {self.epoch}"


class Kind(models.TextChoices):
    """What the signer can be asked for."""

    SWEEP = "sweep"
    RECLAIM = "reclaim"
    REFUND = "refund"
    PAYOUT = "payout"
    DERIVE = "derive"


class JobState(models.TextChoices):
    """Where a job stands. `failed` and `voided` mean that no money moved and none will."""

    REQUESTED = "requested"
    SIGNED = "signed"
    SENT = "sent"
    CONFIRMED = "confirmed"
    SETTLED = "settled"
    FAILED = "failed"
    VOIDED = "voided"
    EXPIRED = "expired"


LIVE = (JobState.SIGNED, JobState.SENT, JobState.CONFIRMED)
WAITING = (JobState.REQUESTED, JobState.EXPIRED)
ENDED = (JobState.SETTLED, JobState.FAILED, JobState.VOIDED)


class SignerJob(models.Model):
    """One thing asked of the signer. What was asked never changes; its state moves only along the lines that guards.sql draws."""

    key = models.CharField(max_length=KEY_LENGTH_MAX, unique=True, help_text="idempotency key")
    kind = models.CharField(max_length=10, choices=Kind)
    wallet = models.ForeignKey(
        Wallet, models.PROTECT, null=True, help_text="where from: sweep, reclaim", related_name="+"
    )
    mint = models.CharField(max_length=44, blank=True, help_text="empty for SOL")
    destination = models.CharField(
        max_length=44, blank=True, help_text="a wallet's address; empty where the signer decides"
    )
    amount = models.BigIntegerField(null=True, help_text="base units; none for all there is")
    receipt = models.CharField(max_length=88, blank=True, help_text="refund: the signature of the payment")
    receiver = models.CharField(max_length=44, blank=True, help_text="refund: the wallet that the payment went to")
    state = models.CharField(max_length=10, choices=JobState, default=JobState.REQUESTED, db_default=JobState.REQUESTED)
    reason = models.TextField(blank=True, db_default="", help_text="why it failed, was voided, or waits")
    attempts = models.IntegerField(default=0, db_default=0)
    refusals = models.IntegerField(default=0, db_default=0, help_text="simulations in a row that failed")
    alone = models.BooleanField(
        default=False, db_default=False, help_text="after it failed in company, it travels alone"
    )
    moved = models.BigIntegerField(null=True, help_text="base units that left, once settled")
    signature = models.CharField(max_length=88, blank=True, db_default="", help_text="of the latest attempt")
    not_before = models.DateTimeField(db_default=Now(), help_text="the signer looks at it again then")
    requested_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "solana_signer_job"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="solana_signer_job_kind"),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="solana_signer_job_state"),
            models.CheckConstraint(condition=Q(amount__isnull=True) | Q(amount__gt=0), name="solana_signer_job_amount"),
            models.CheckConstraint(
                condition=Q(kind__in=[Kind.SWEEP, Kind.RECLAIM], wallet__isnull=False, amount__isnull=True)
                | Q(kind=Kind.REFUND, amount__isnull=False) & ~Q(receipt="") & ~Q(receiver="")
                | Q(kind=Kind.PAYOUT, amount__isnull=False) & ~Q(destination="")
                | Q(kind=Kind.DERIVE, amount__isnull=False),
                name="solana_signer_job_whole",
            ),
            # One sweep and one reclaim at a time for one account: the second would find nothing.
            models.UniqueConstraint(
                fields=["kind", "wallet", "mint"],
                condition=Q(kind__in=[Kind.SWEEP, Kind.RECLAIM]) & ~Q(state__in=ENDED),
                name="solana_signer_job_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["not_before"], name="solana_signer_job_waiting", condition=Q(state__in=WAITING)),
            models.Index(fields=["receipt"], name="solana_signer_job_receipt", condition=~Q(receipt="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} {self.state}"


class SignerAttempt(models.Model):
    """A signed transaction, recorded before anybody saw it. It is settled, failed on chain, expired, or still possible."""

    signature = models.CharField(max_length=88, unique=True)
    blockhash = models.CharField(max_length=44)
    last_valid_block_height = models.BigIntegerField()
    wire = models.BinaryField(help_text="the whole transaction: sent again as it is, or never")
    state = models.CharField(max_length=10, choices=JobState, default=JobState.SIGNED)
    fee_lamports = models.BigIntegerField(help_text="at most, with the rent of accounts that it makes")
    error = models.TextField(blank=True, default="")
    slot = models.BigIntegerField(null=True)
    signed_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "solana_signer_attempt"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[*LIVE, JobState.SETTLED, JobState.FAILED, JobState.EXPIRED]),
                name="solana_signer_attempt_state",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="solana_signer_attempt_live", condition=Q(state__in=LIVE))]

    def __str__(self) -> str:
        return self.signature


class SignerLeg(models.Model):
    """What one attempt does for one job. A job has one leg at most that may still move money, or has moved it."""

    attempt = models.ForeignKey(SignerAttempt, models.PROTECT, related_name="legs")
    job = models.ForeignKey(SignerJob, models.PROTECT, related_name="legs")
    kind = models.CharField(max_length=10, choices=Kind)
    mint = models.CharField(max_length=44, blank=True)
    origin = models.CharField(max_length=44, help_text="the wallet that it left")
    destination = models.CharField(max_length=44)
    amount = models.BigIntegerField(help_text="base units; for a reclaim, lamports of rent")
    binding = models.BooleanField(default=True, help_text="false once its attempt is provably without effect")
    signed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "solana_signer_leg"
        constraints = [
            models.UniqueConstraint(fields=["job"], condition=Q(binding=True), name="solana_signer_leg_never_twice"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="solana_signer_leg_amount"),
        ]
        indexes = [
            models.Index(fields=["kind", "mint", "signed_at"], name="solana_signer_leg_day", condition=Q(binding=True)),
            models.Index(fields=["origin"], name="solana_signer_leg_origin"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.amount} for job {self.job_id}"


class JobEvent(models.Model):
    """The outbox: a job's state changed. Written in the same transaction, delivered at least once, in order for each job."""

    job = models.ForeignKey(SignerJob, models.PROTECT, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=KEY_LENGTH_MAX)
    state = models.CharField(max_length=10, choices=JobState)
    signature = models.CharField(max_length=88, blank=True)
    reason = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "solana_signer_event"
        indexes = [
            models.Index(fields=["id"], name="solana_signer_event_waiting", condition=Q(delivered_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"job {self.job_id} {self.state}"


class SignerReport(models.Model):
    """What the signer last said of itself. One row; nobody else writes it."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    beat_at = models.DateTimeField(db_default=Now())
    fee_address = models.CharField(max_length=44, blank=True)
    fee_lamports = models.BigIntegerField(null=True)
    fee_low_lamports = models.BigIntegerField(default=0)
    payout_address = models.CharField(max_length=44, blank=True)
    pool_low_water = models.IntegerField(default=0)
    trouble = models.TextField(blank=True, help_text="why nothing moves; empty when all is well")

    class Meta:
        db_table = "solana_signer_report"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="solana_signer_report_one_row")]

    def __str__(self) -> str:
        return f"signer at {self.beat_at}"
