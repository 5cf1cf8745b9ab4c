"""What play money buys: the sandbox chain's tokens, and packs of points. In the sandbox only."""

from __future__ import annotations

from mutoscope.engines.solana.chain import TEST_USDC
from mutoscope.engines.solana.public import token_model
from mutoscope.platform.billing.public import Pack

# Points, bonus points, US cents: the largest costs what creators are paid for its points, and the bonus is what the others cost more.
PACKS = ((100, 0, 120), (500, 50, 599), (1000, 200, 1200))


def sell_for_play_money() -> None:
    """Accept the sandbox chain's SOL and USDC, whose mints are the same on every such chain; sell packs where there are none."""
    tokens = token_model().objects
    tokens.get_or_create(
        mint=str(TEST_USDC.mint),
        defaults={"symbol": "USDC", "program": str(TEST_USDC.program), "decimals": TEST_USDC.decimals},
    )
    tokens.get_or_create(mint="", defaults={"symbol": "SOL", "decimals": 9})
    if not Pack.objects.exists():
        Pack.objects.bulk_create(
            Pack(title=f"{points:,} points", points=points, bonus_points=bonus, price_usd_cents=cents)
            for points, bonus, cents in PACKS
        )
