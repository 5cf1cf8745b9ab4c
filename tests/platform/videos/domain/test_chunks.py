"""How the work after the fast lane is cut up for any number of workers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.platform.videos.domain.ladder import CHUNK_SEGMENTS_MAX, CHUNK_SEGMENTS_MIN, Plan, chunks, plan_ladder
from mutoscope.platform.videos.domain.source import PictureFacts, SourceFacts, TimeFacts


def plan_of(seconds: float) -> Plan:
    picture = PictureFacts(0, "vp9", 1920, 1080, "yuv420p")
    return plan_ladder(SourceFacts("matroska", seconds, picture, TimeFacts(100, 0.0, seconds, 25, 1, True)))


@given(st.integers(1, 12 * 3600))
def test_chunks_cover_each_segment_once_and_differ_by_one_at_most(seconds: int) -> None:
    plan = plan_of(seconds)
    cut = chunks(plan)
    covered = [number for chunk in cut for number in range(chunk.first_segment, chunk.first_segment + chunk.segments)]
    assert covered == list(range(len(plan.starts)))
    lengths = {chunk.segments for chunk in cut}
    assert max(lengths) - min(lengths) <= 1, "no straggler at the end"
    assert max(lengths) <= CHUNK_SEGMENTS_MAX
    assert len(cut) == 1 or min(lengths) >= CHUNK_SEGMENTS_MIN


@pytest.mark.parametrize("seconds", [24, 30, 36, 48, 60, 90, 170, 3600])
def test_two_workers_are_done_at_nearly_the_same_moment(seconds: int) -> None:
    lengths = [chunk.segments for chunk in chunks(plan_of(seconds))]
    assert len(lengths) % 2 == 0
    # Each takes the next chunk as soon as it is done with one, as the queue hands them out.
    busy = [0, 0]
    for length in lengths:
        busy[busy.index(min(busy))] += length
    assert sum(busy) / max(busy) >= 1.75
