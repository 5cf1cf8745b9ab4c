"""Rules about usernames and handles, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.platform.accounts.domain.names import (
    LENGTH_MAX,
    RESERVED,
    SKELETON_LENGTH_MAX,
    BadName,
    NameProblem,
    parse_name,
    skeleton,
)


@pytest.mark.parametrize(
    ("typed", "name"),
    [("nora", "nora"), ("  Nora ", "nora"), ("@North-Light", "north-light"), ("a_1", "a_1"), ("a" * 30, "a" * 30)],
)
def test_a_name_has_one_spelling(typed: str, name: str) -> None:
    assert parse_name(typed) == name


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", NameProblem.TOO_SHORT),
        ("ab", NameProblem.TOO_SHORT),
        ("a" * 31, NameProblem.TOO_LONG),
        ("nora bell", NameProblem.LETTERS),
        ("n\u043era", NameProblem.LETTERS),
        ("nöra", NameProblem.LETTERS),
        ("nora\u0000", NameProblem.LETTERS),
        ("nora\n.", NameProblem.LETTERS),
        ("ⅷⅷⅷ", NameProblem.LETTERS),
        ("-nora", NameProblem.EDGES),
        ("nora_", NameProblem.EDGES),
        ("admin", NameProblem.RESERVED),
        ("ADMIN", NameProblem.RESERVED),
        ("adm1n", NameProblem.RESERVED),
        ("s-u-p-p-o-r-t", NameProblem.RESERVED),
        ("rnutoscope", NameProblem.RESERVED),
    ],
)
def test_what_cannot_be_a_name_says_why(typed: str, problem: NameProblem) -> None:
    with pytest.raises(BadName) as refusal:
        parse_name(typed)
    assert refusal.value.problem is problem
    assert str(refusal.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("northlight", "n0rthlight"),
        ("northlight", "northl1ght"),
        ("northlight", "northiight"),
        ("modern", "rnodern"),
        ("wave", "vvave"),
        ("vvvave", "vwave"),
        ("vvvave", "wvave"),
        ("north-light", "north_light"),
        ("northlight", "n-o-r-t-h-light"),
        ("car-nation", "camation"),
    ],
)
def test_look_alikes_share_a_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("nora", "nara"), ("film", "films"), ("blue", "glue"), ("cat", "car")])
def test_different_words_have_different_skeletons(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@given(st.text(max_size=40))
def test_any_text_is_either_a_name_or_refused(typed: str) -> None:
    try:
        name = parse_name(typed)
    except BadName:
        return
    assert parse_name(name) == name
    assert len(name) <= LENGTH_MAX
    assert len(skeleton(name)) <= SKELETON_LENGTH_MAX


def test_reserved_words_are_lower_case_ascii() -> None:
    assert all(word.isascii() and word == word.lower() for word in RESERVED)
