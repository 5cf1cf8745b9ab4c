from __future__ import annotations

from django.db import models

from mutoscope.engines.solana.payments.abstract import AbstractPayment, AbstractToken


class Order(models.Model):
    """What is paid for."""

    paid = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"order {self.pk}"


class OrderPayment(AbstractPayment):
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")


class Coin(AbstractToken):
    logo = models.CharField(max_length=100, blank=True)
