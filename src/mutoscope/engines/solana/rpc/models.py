"""The permits left for each node, shared by all processes (limits.py)."""

from __future__ import annotations

from django.db import models


class RpcAllowance(models.Model):
    node = models.CharField(max_length=32, primary_key=True)
    permits = models.FloatField()
    filled_at = models.DateTimeField()

    class Meta:
        db_table = "mutoscope_solana_rpcallowance"

    def __str__(self) -> str:
        return self.node
