"""A counter on a sandbox chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform.billing.topup_refunds.counter import Counter, open_counter


@pytest.fixture
def counter(db: None, tmp_path: Path) -> Iterator[Counter]:
    with open_counter(tmp_path) as opened:
        yield opened
