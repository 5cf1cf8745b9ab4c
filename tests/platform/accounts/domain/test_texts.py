"""Titles and descriptions: any language, nothing that hides or reorders."""

from __future__ import annotations

import pytest

from mutoscope.platform.accounts.domain.texts import BadText, parse_description, parse_title


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("  The   Salt Road ", "The Salt Road"),
        ("夜の塩の道", "夜の塩の道"),
        ("טריילר", "טריילר"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🎤 live", "👩\u200d🎤 live"),
        ("Cafe\u0301", "Café"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a" * 120, "a" * 120),
    ],
)
def test_titles_in_any_language(typed: str, title: str) -> None:
    assert parse_title(typed) == title


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "\u200b\u200b",
        "\u0301",
        "a\u0000b",
        "a\u202eb",
        "a\u2066b",
        "a\u200fb",
        "a\u2028b",
        "a\nb",
        "a\x7fb",
        "a" * 121,
    ],
)
def test_titles_that_hide_reorder_or_overflow_are_refused(typed: str) -> None:
    with pytest.raises(BadText):
        parse_title(typed)


def test_the_refusal_names_the_invisible_character() -> None:
    with pytest.raises(BadText, match=r"U\+202E at position 3"):
        parse_title("ab\u202ecd")


def test_a_description_keeps_its_lines() -> None:
    assert parse_description("one\r\ntwo\rthree\n\tfour  ") == "one\ntwo\nthree\n    four"


@pytest.mark.parametrize("typed", ["a\u0000", "a\u202e", "a\x1b[31m", "a" * 5001])
def test_descriptions_that_hide_or_overflow_are_refused(typed: str) -> None:
    with pytest.raises(BadText):
        parse_description(typed)
