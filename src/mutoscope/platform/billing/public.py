"""The one door into billing. Other contexts, and the site, import this and nothing else."""

from __future__ import annotations

from mutoscope.platform.billing.api.asking import P as ProblemOut
from mutoscope.platform.billing.api.asking import channel_asking
from mutoscope.platform.billing.api.shape import problems_api
from mutoscope.platform.billing.bundles.offers import BundleOffer, offers_of_channel
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.earnings.adapters import billing_film_sales
from mutoscope.platform.billing.earnings.revenue import Day as RevenueDay
from mutoscope.platform.billing.earnings.revenue import FilmRevenue, Revenue, in_steps, revenue_of
from mutoscope.platform.billing.failures import NoSuchFilm
from mutoscope.platform.billing.leaving import KeptMoney
from mutoscope.platform.billing.models import Pack
from mutoscope.platform.billing.overview.money import (
    LeftOver,
    MoneyOverview,
    last_reconciliation,
    left_over,
    money_since,
    refunds_waiting,
)
from mutoscope.platform.billing.packs.service import GrantPoints, GrantPointsInputs, packs_paid_out_for_more
from mutoscope.platform.billing.past.service import (
    RecordPastSale,
    RecordPastSaleInputs,
    RecordPastTip,
    RecordPastTipInputs,
)
from mutoscope.platform.billing.payouts.available import earnings_of
from mutoscope.platform.billing.payouts.ports import PaidByHand, PayoutOrder, PaysCreators, pays_creators
from mutoscope.platform.billing.payouts.service import EndPayout, EndPayoutInputs
from mutoscope.platform.billing.payouts.signing import PaidBySigner
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.billing.reconcile.metrics import ReconciliationCollector, SealCollector
from mutoscope.platform.billing.templatetags.billing import usd
from mutoscope.platform.billing.topup.buying import BuyPoints, BuyPointsInputs
from mutoscope.platform.billing.topup.ports import NoRate, Rate, Rates
from mutoscope.platform.billing.topup.service import CreditTopUp, CreditTopUpInputs
from mutoscope.platform.billing.unlock.adapters import billing_card_notes, billing_may_watch, billing_unlock_panel
from mutoscope.platform.billing.unlock.rights import Right, right_of
from mutoscope.platform.billing.unlock.service import UnlockVideo, UnlockVideoInputs
from mutoscope.platform.billing.wallet.statement import spreadsheet_text

__all__ = [
    "BundleOffer",
    "BuyPoints",
    "BuyPointsInputs",
    "CreditTopUp",
    "CreditTopUpInputs",
    "EndPayout",
    "EndPayoutInputs",
    "FilmRevenue",
    "GrantPoints",
    "GrantPointsInputs",
    "KeptMoney",
    "LeftOver",
    "MoneyOverview",
    "NoRate",
    "NoSuchFilm",
    "Pack",
    "PaidByHand",
    "PaidBySigner",
    "PayoutOrder",
    "PaysCreators",
    "ProblemOut",
    "Rate",
    "Rates",
    "ReconciliationCollector",
    "RecordPastSale",
    "RecordPastSaleInputs",
    "RecordPastTip",
    "RecordPastTipInputs",
    "Revenue",
    "RevenueDay",
    "Right",
    "SealCollector",
    "SetPrices",
    "SetPricesInputs",
    "Term",
    "UnlockVideo",
    "UnlockVideoInputs",
    "billing_card_notes",
    "billing_film_sales",
    "billing_may_watch",
    "billing_unlock_panel",
    "channel_asking",
    "earnings_of",
    "in_steps",
    "last_reconciliation",
    "left_over",
    "money_since",
    "offers_of_channel",
    "packs_paid_out_for_more",
    "pays_creators",
    "problems_api",
    "refunds_waiting",
    "revenue_of",
    "right_of",
    "spreadsheet_text",
    "usd",
]
