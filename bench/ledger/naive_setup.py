"""Makes the naive peer's tables."""

from __future__ import annotations

import django

django.setup()

from bench.ledger import naive  # noqa: E402
from bench.ledger.ground import POINTS_EACH, SOURCE  # noqa: E402

naive.furnish(SOURCE, POINTS_EACH)
