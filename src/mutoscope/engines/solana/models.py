"""All of the app's tables, for Django; each lives with its part."""

from __future__ import annotations

from mutoscope.engines.solana.outbox.models import Event, WebhookDelivery, WebhookEndpoint
from mutoscope.engines.solana.payments.models import Payment, Price, Token, Transfer, UnmatchedReceipt
from mutoscope.engines.solana.rpc.models import RpcAllowance
from mutoscope.engines.solana.watcher.models import Lease, WatchedAccount

__all__ = [
    "Event",
    "Lease",
    "Payment",
    "Price",
    "RpcAllowance",
    "Token",
    "Transfer",
    "UnmatchedReceipt",
    "WatchedAccount",
    "WebhookDelivery",
    "WebhookEndpoint",
]
