from typing import Any

from django.dispatch import receiver

from mutoscope.engines.solana.outbox import signals
from mutoscope.engines.solana.public import AbstractPayment


@receiver(signals.settled)
def fulfil(payment: AbstractPayment, **_: Any) -> None:
    print(f"paid {payment.purpose} {payment.signature}", flush=True)
