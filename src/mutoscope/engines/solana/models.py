"""All of the app's tables, for Django; each lives with its part."""

from __future__ import annotations

from mutoscope.engines.solana.outbox.models import Event, WebhookDelivery, WebhookEndpoint
from mutoscope.engines.solana.payments.models import Payment, Price, Token, Transfer, UnmatchedReceipt
from mutoscope.engines.solana.rpc.models import RpcAllowance
from mutoscope.engines.solana.signer.models import (
    JobEvent,
    SealedSeed,
    SignerAttempt,
    SignerJob,
    SignerLeg,
    SignerReport,
)
from mutoscope.engines.solana.wallets.models import Wallet
from mutoscope.engines.solana.watcher.models import Lease, StraySearch, WatchedAccount

__all__ = [
    "Event",
    "JobEvent",
    "Lease",
    "Payment",
    "Price",
    "RpcAllowance",
    "SealedSeed",
    "SignerAttempt",
    "SignerJob",
    "SignerLeg",
    "SignerReport",
    "StraySearch",
    "Token",
    "Transfer",
    "UnmatchedReceipt",
    "Wallet",
    "WatchedAccount",
    "WebhookDelivery",
    "WebhookEndpoint",
]
