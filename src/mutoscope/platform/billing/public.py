"""The one door into billing. Other contexts, and the site, import this and nothing else."""

from __future__ import annotations

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Pack
from mutoscope.platform.billing.packs.service import GrantPoints, GrantPointsInputs
from mutoscope.platform.billing.payouts.ports import PaidByHand, PayoutOrder, PaysCreators, pays_creators
from mutoscope.platform.billing.payouts.service import EndPayout, EndPayoutInputs
from mutoscope.platform.billing.payouts.signing import PaidBySigner
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.billing.reconcile.metrics import ReconciliationCollector
from mutoscope.platform.billing.topup.buying import BuyPoints, BuyPointsInputs
from mutoscope.platform.billing.topup.ports import NoRate, Rate, Rates
from mutoscope.platform.billing.topup.service import CreditTopUp, CreditTopUpInputs
from mutoscope.platform.billing.unlock.adapters import billing_card_notes, billing_may_watch, billing_unlock_panel
from mutoscope.platform.billing.unlock.rights import Right, right_of
from mutoscope.platform.billing.unlock.service import UnlockVideo, UnlockVideoInputs

__all__ = [
    "BuyPoints",
    "BuyPointsInputs",
    "CreditTopUp",
    "CreditTopUpInputs",
    "EndPayout",
    "EndPayoutInputs",
    "GrantPoints",
    "GrantPointsInputs",
    "NoRate",
    "Pack",
    "PaidByHand",
    "PaidBySigner",
    "PayoutOrder",
    "PaysCreators",
    "Rate",
    "Rates",
    "ReconciliationCollector",
    "Right",
    "SetPrices",
    "SetPricesInputs",
    "Term",
    "UnlockVideo",
    "UnlockVideoInputs",
    "billing_card_notes",
    "billing_may_watch",
    "billing_unlock_panel",
    "pays_creators",
    "right_of",
]
