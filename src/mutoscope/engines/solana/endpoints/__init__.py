"""Ready endpoints: create, status, tokens. `path("pay/", include("mutoscope.engines.solana.endpoints.urls"))`."""

from __future__ import annotations

from mutoscope.engines.solana.endpoints.access import may_see, token_of
from mutoscope.engines.solana.endpoints.offers import Offer
from mutoscope.engines.solana.endpoints.requests import transaction_links
from mutoscope.engines.solana.endpoints.standing import standing

__all__ = ["Offer", "may_see", "standing", "token_of", "transaction_links"]
