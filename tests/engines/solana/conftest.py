"""A shop on a sandbox chain, for every test of payments."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.solana.payments.shop import Shop, open_shop


@pytest.fixture
def shop(db: None) -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened
