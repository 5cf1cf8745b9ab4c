"""The one table of wallets: epoch, index and public key. No secret is in it, nor anything a secret follows from."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from mutoscope.engines.solana.keys.slip10 import WALLET_INDEX_MAX


class Wallet(models.Model):
    """A one-time wallet. Made by the signer, claimed once, never given to a second reference."""

    epoch = models.IntegerField(help_text="which seed it comes from")
    index = models.BigIntegerField(help_text="i of m/44'/501'/i'/0'")
    address = models.CharField(max_length=44, unique=True, help_text="public key in base58")
    reference = models.CharField(max_length=200, null=True, unique=True, help_text="what it was claimed for")  # noqa: DJ001 - unclaimed is not a reference
    created_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(
        null=True, help_text="taken out of the pool unclaimed, when its seed was retired"
    )

    class Meta:
        db_table = "solana_wallet"
        constraints = [
            models.UniqueConstraint(fields=["epoch", "index"], name="solana_wallet_index_once"),
            models.CheckConstraint(
                condition=Q(index__gte=0) & Q(index__lte=WALLET_INDEX_MAX) & Q(epoch__gte=1),
                name="solana_wallet_index_range",
            ),
            models.CheckConstraint(
                condition=Q(reference__isnull=True, claimed_at__isnull=True)
                | Q(reference__isnull=False, claimed_at__isnull=False),
                name="solana_wallet_claimed_whole",
            ),
        ]
        indexes = [
            # What claim looks through: it holds the pool, never the past.
            models.Index(
                fields=["id"], name="solana_wallet_free", condition=Q(reference__isnull=True, withdrawn_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.address
