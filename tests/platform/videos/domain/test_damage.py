"""What counts as lost, what is too much, and how it is said."""

from __future__ import annotations

import pytest

from mutoscope.platform.videos.domain.damage import Stretch, lost_stretches, note, refuse_too_much
from mutoscope.platform.videos.domain.source import Unusable

HELD = [number / 25 for number in range(500)]


def without(begin: int, end: int) -> list[float]:
    return HELD[:begin] + HELD[end:]


def in_words(stretches: list[Stretch]) -> list[tuple[float, float]]:
    return [(round(stretch.start_s, 3), round(stretch.length_s, 3)) for stretch in stretches]


def test_pictures_that_the_decoder_did_not_make_are_lost_wherever_they_are() -> None:
    for begin, end in ((0, 50), (100, 150), (450, 500)):
        assert in_words(lost_stretches(HELD, without(begin, end), is_broken=False)) == [(begin / 25, 2.0)]
    assert in_words(lost_stretches(HELD, [], is_broken=False)) == [(0.0, 20.0)]
    assert lost_stretches(HELD, HELD, is_broken=False) == []
    assert lost_stretches([], [], is_broken=True) == []


def test_two_pictures_are_not_missed_and_three_are() -> None:
    assert lost_stretches(HELD, without(100, 102), is_broken=False) == []
    assert in_words(lost_stretches(HELD, without(100, 103), is_broken=False)) == [(4.0, 0.12)]


def test_a_film_may_stand_still_unless_its_reader_stumbled() -> None:
    still = without(100, 300)
    assert lost_stretches(still, still, is_broken=False) == []
    assert in_words(lost_stretches(still, still, is_broken=True)) == [(4.0, 8.0)]


def test_packets_that_are_no_picture_of_their_own_are_not_lost() -> None:
    assert lost_stretches(HELD, HELD[::2], is_broken=False) == []


@pytest.mark.parametrize(
    ("there_s", "missing_s", "lost_s"), [(60, 0, 6), (60, 0, 0), (3, 0, 2), (5400, 0, 540), (54, 6, 0)]
)
def test_a_tenth_is_borne(there_s: float, missing_s: float, lost_s: float) -> None:
    refuse_too_much(there_s, missing_s, lost_s)


@pytest.mark.parametrize(
    ("there_s", "missing_s", "lost_s", "said"),
    [
        (60, 0, 6.5, "about 6 s of 60 s cannot be read. Export the film again"),
        (5400, 0, 600, "about 10 min of 90 min cannot be read"),
        (10, 10, 0, "it should be 20 s long, and only the first 10 s are there"),
    ],
)
def test_more_is_refused_with_how_much_and_what_helps(
    there_s: float, missing_s: float, lost_s: float, said: str
) -> None:
    with pytest.raises(Unusable, match=said):
        refuse_too_much(there_s, missing_s, lost_s)


@pytest.mark.parametrize(
    ("lost_s", "starts_s", "said"),
    [
        (0.4, [9.2], "About a second of your file could not be read, at 0:09: the picture"),
        (3, [9, 71], "About 3 s of your file could not be read, at 0:09 and 1:11: the picture"),
        (3, [9, 71, 3700], "at 0:09, 1:11 and 1:01:40: the picture"),
        (3, [9, 71, 80, 90], "at 0:09, 1:11, 1:20 and elsewhere: the picture"),
    ],
)
def test_a_note_says_where(lost_s: float, starts_s: list[float], said: str) -> None:
    assert said in note(0, lost_s, starts_s)


def test_nothing_is_said_of_a_whole_film() -> None:
    assert note(0, 0, []) == ""
    assert note(3, 0, []).startswith("Your file ends 3 s before it should.")
