"""The Range header: what is asked for is what is sent, and nothing that is sent can hurt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.platform.videos.watch.files.ranges import Unsatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=0-", (0, 99)),
        ("bytes=10-19", (10, 19)),
        ("bytes=90-1000", (90, 99)),
        ("bytes=-1", (99, 99)),
        ("bytes=-1000", (0, 99)),
        # The whole file, as the RFC allows for what is not understood.
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=20-10", None),
        ("bytes=a-b", None),
        ("bytes=0-1,5-6", None),
        ("bytes=0x0-1", None),
        ("bytes=\u0661-\u0662", None),
        ("lines=0-1", None),
        ("bytes=" + "9" * 5000 + "-", None),
        ("bytes=1e3-", None),
        ("bytes=--1", None),
    ],
)
def test_one_range(header: str, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999999999-"])
def test_a_range_behind_the_end(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, 100)


@given(st.text(max_size=40) | st.from_regex(r"bytes=[0-9]{0,20}-[0-9]{0,20}", fullmatch=True), st.integers(0, 10**12))
def test_whatever_is_asked_stays_within_the_file(header: str, length: int) -> None:
    try:
        found = parse_range(header, length)
    except Unsatisfiable:
        return
    if found is not None:
        first, last = found
        assert 0 <= first <= last < length
