"""Each row of docs/solana-peer.md, and of the attacks and mistakes in docs/solana.md, names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]


def rows_of(page: str, after: str = "") -> list[str]:
    text = (ROOT / "docs" / page).read_text().partition(after)[2] if after else (ROOT / "docs" / page).read_text()
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


@pytest.mark.parametrize(
    ("rows", "at_least"),
    [(rows_of("solana-peer.md"), 20), (rows_of("solana.md", "## Attacks and mistakes"), 35)],
    ids=["peer", "attacks"],
)
def test_every_linked_test_exists(rows: list[str], at_least: int) -> None:
    assert len(rows) >= at_least
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?` \|$", row)
        assert len(named) == 1, row
        path, test = named[0]
        assert f"def {test}(" in (ROOT / path).read_text() if test else (ROOT / path).is_file(), row


def test_every_attack_and_mistake_is_a_test_of_that_name() -> None:
    for row in rows_of("solana.md", "## Attacks and mistakes"):
        said, name = row.split(" | ")[0].strip("| "), row.rpartition("::test_")[2].rstrip("` |")
        assert name == said.replace(" ", "_"), row
