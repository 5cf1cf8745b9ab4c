"""How long a film is, in words."""

from __future__ import annotations

import pytest

from mutoscope.platform.videos.watch.cards import length


@pytest.mark.parametrize(
    ("duration_ms", "words"),
    [
        (None, "1 s"),
        (0, "1 s"),
        (20_000, "20 s"),
        (59_400, "59 s"),
        (11_967, "11 s"),
        (59_600, "59 s"),
        (60_000, "1 min"),
        (660_000, "11 min"),
    ],
)
def test_a_film_below_a_minute_is_counted_in_seconds(duration_ms: int | None, words: str) -> None:
    assert length(duration_ms) == words
