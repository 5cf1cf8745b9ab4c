"""A signer that pays, on a chain of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.solana.signer.house import House
from tests.platform.billing.paying import paid_by_signer


@pytest.fixture
def house(tmp_path: Path, db: None) -> Iterator[House]:
    opened = House(tmp_path)
    try:
        with paid_by_signer(opened):
            yield opened
    finally:
        opened.close()
