"""Each row of docs/solana-peer.md names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_every_linked_test_exists() -> None:
    rows = [line for line in (ROOT / "docs" / "solana-peer.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?` \|$", row)
        assert len(named) == 1, row
        path, test = named[0]
        assert f"def {test}(" in (ROOT / path).read_text() if test else (ROOT / path).is_file(), row
