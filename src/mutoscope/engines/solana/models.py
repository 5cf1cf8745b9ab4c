"""Every model of the app, for Django to find. Each lives in the folder of its feature."""

from __future__ import annotations

from mutoscope.engines.solana.signer.models import (
    JobEvent,
    SealedSeed,
    SignerAttempt,
    SignerJob,
    SignerLeg,
    SignerReport,
)
from mutoscope.engines.solana.wallets.models import Wallet

__all__ = ["JobEvent", "SealedSeed", "SignerAttempt", "SignerJob", "SignerLeg", "SignerReport", "Wallet"]
