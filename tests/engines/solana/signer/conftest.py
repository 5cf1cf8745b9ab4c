"""One house for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.solana.signer.house import House


@pytest.fixture
def open_house(tmp_path: Path, db: None) -> Iterator[Callable[..., House]]:
    """Opens houses with changes to their configuration."""
    houses: list[House] = []

    def open_one(**changes: Any) -> House:
        folder = tmp_path / f"house-{len(houses)}"
        folder.mkdir()
        houses.append(House(folder, **changes))
        return houses[-1]

    yield open_one
    for house in houses:
        house.close()


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house()
