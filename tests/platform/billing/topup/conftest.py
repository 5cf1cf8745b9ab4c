"""A till on a sandbox chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.platform.billing.topup.till import Till, open_till


@pytest.fixture
def till(db: None) -> Iterator[Till]:
    with open_till() as opened:
        yield opened
