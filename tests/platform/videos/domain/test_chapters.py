"""Chapters in a description."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.platform.videos.domain.chapters import clock, parse_chapters, prose, webvtt

HOUR_MS = 3_600_000


def starts(text: str, duration_ms: int = 2 * HOUR_MS) -> list[tuple[str, str]]:
    return [(chapter.clock(), chapter.title) for chapter in parse_chapters(text, duration_ms)]


def test_lines_with_a_time_and_a_title_are_chapters() -> None:
    text = "About the film.\n\n0:00 The harbour\n4:30 - The pass\n(1:02:03) The road closes\nThanks to 12:00 noon"
    assert starts(text) == [("0:00", "The harbour"), ("4:30", "The pass"), ("1:02:03", "The road closes")]
    chapters = parse_chapters(text, 2 * HOUR_MS)
    assert chapters[-1].end_ms == 2 * HOUR_MS
    assert prose(text, chapters) == "About the film.\n\nThanks to 12:00 noon"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0:00 One alone",
        "0:00\n1:00",
        "1:00 A\n1:00 B",
        "0:75 A\n1:75 B",
        "x 0:00 A\nx 1:00 B",
        "0:00 -\n1:00 \u2014",
        "3:00:00 A\n4:00:00 B",
    ],
)
def test_what_is_not_chapters(text: str) -> None:
    assert parse_chapters(text, 2 * HOUR_MS) == ()
    assert prose(text, ()) == text.strip()


def test_a_film_of_unknown_length_has_none() -> None:
    assert parse_chapters("0:00 A\n1:00 B", None) == ()


LINES = st.lists(
    st.one_of(st.from_regex(r"\d{1,2}:\d{2} [a-z<>&\-]{1,9}", fullmatch=True), st.text(max_size=30)), max_size=20
)


@given(LINES, st.integers(1, 100 * HOUR_MS))
def test_chapters_follow_one_another_and_fill_the_film(lines: list[str], duration_ms: int) -> None:
    chapters = parse_chapters("\n".join(lines), duration_ms)
    assert len(chapters) != 1
    for one, next_ in pairwise(chapters):
        assert one.start_ms < one.end_ms == next_.start_ms
    if chapters:
        assert chapters[-1].end_ms == duration_ms > chapters[-1].start_ms
    assert all(chapter.title and "\n" not in chapter.title for chapter in chapters)


@given(LINES)
def test_a_title_never_breaks_the_file_of_chapters(lines: list[str]) -> None:
    chapters = parse_chapters("\n".join(lines), HOUR_MS)
    blocks = [block for block in webvtt(chapters).split("\n\n") if block.strip()]
    assert len(blocks) == 1 + len(chapters)
    assert all(block.count("-->") == 1 and "<" not in block for block in blocks[1:])


@given(st.integers(0, 99 * 3600 + 3598))
def test_a_moment_is_read_as_it_is_written(seconds: int) -> None:
    duration_ms = 200 * HOUR_MS
    text = f"{clock(seconds * 1000)} A\n99:59:59 B"
    expected = [clock(seconds * 1000), "99:59:59"]
    assert [start for start, _ in starts(text, duration_ms)] == expected
