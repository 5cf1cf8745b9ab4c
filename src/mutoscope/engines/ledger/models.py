"""What Django may look at: unmanaged and read-only. Everything is written by the functions in sql/."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ReadOnlyModel(models.Model):
    """Refuses to be saved or deleted in Python, before the database refuses it."""

    class Meta:
        abstract = True

    def save(self, *_: Any, **__: Any) -> None:
        raise TypeError(f"{type(self).__name__} is read-only: post a transfer instead")

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{type(self).__name__} is never deleted: reverse the transfer instead")


class Account(ReadOnlyModel):
    """An account. What it holds is its own row and its sub-balances: ask Ledger.balance."""

    id = models.BigAutoField(primary_key=True)
    owner = models.TextField()
    kind = models.TextField()
    currency = models.TextField()
    may_go_negative = models.BooleanField()
    opened_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "ledger_account"

    def __str__(self) -> str:
        return f"{self.owner}/{self.kind}/{self.currency}"


class Transfer(ReadOnlyModel):
    """A transfer; its entries are read by Ledger."""

    id = models.BigAutoField(primary_key=True)
    recorded_at = models.DateTimeField()
    effective_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    refers_to = models.BigIntegerField(null=True)
    link_id = models.BigIntegerField(null=True)
    kind = models.TextField()
    key = models.TextField(unique=True)
    accounts = ArrayField(models.BigIntegerField())
    amounts = ArrayField(models.BigIntegerField())
    metadata = models.JSONField()

    class Meta:
        managed = False
        db_table = "ledger_transfer"

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.key})"


class Seal(ReadOnlyModel):
    """One link of the hash chain."""

    number = models.BigIntegerField(primary_key=True)
    first_id = models.BigIntegerField()
    through_id = models.BigIntegerField()
    transfers = models.BigIntegerField()
    recorded_from = models.DateTimeField()
    recorded_until = models.DateTimeField()
    sealed_at = models.DateTimeField()
    snapshot = models.BooleanField()
    previous_hash = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        managed = False
        db_table = "ledger_seal"

    def __str__(self) -> str:
        return f"seal {self.number}, transfers {self.first_id} to {self.through_id}"
