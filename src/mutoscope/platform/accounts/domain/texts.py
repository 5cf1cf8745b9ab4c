"""Titles and descriptions: any language, but no characters that hide, reorder or break the text around them."""

from __future__ import annotations

import re
import unicodedata

TITLE_LENGTH_MAX = 120
DESCRIPTION_LENGTH_MAX = 5000

# Controls; the marks, embeddings, overrides and isolates that change reading direction; line and paragraph separators;
# and what takes no room at all. The two joiners (200C, 200D) stay: Persian and many emoji need them.
# PostgreSQL reads the same ranges in a CHECK constraint, which is why they are spelled with \u.
FORBIDDEN_RANGES = (
    r"\u0001-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB"
)
# The same without line feed, for texts of several lines.
FORBIDDEN_RANGES_BUT_LINES = FORBIDDEN_RANGES.replace(r"\u0001-\u001F", r"\u0001-\u0009\u000B-\u001F")

_FORBIDDEN = re.compile(f"[\\u0000{FORBIDDEN_RANGES}]")
_FORBIDDEN_BUT_LINES = re.compile(f"[\\u0000{FORBIDDEN_RANGES_BUT_LINES}]")


class BadText(Exception):
    """This text cannot be shown safely beside others. Its message is a sentence for the person who typed it."""


def parse_title(typed: str) -> str:
    """The title that was typed, composed and with single spaces. Raises BadText."""
    title = _checked(re.sub(r"[ \t\u00A0\u3000]+", " ", typed), _FORBIDDEN).strip()
    if not any(unicodedata.category(letter)[0] in "LNSP" for letter in title):
        raise BadText("Write a title that can be seen.")
    if len(title) > TITLE_LENGTH_MAX:
        raise BadText(f"Use at most {TITLE_LENGTH_MAX} characters; this has {len(title)}.")
    return title


def parse_description(typed: str) -> str:
    """The description that was typed, composed, with line feeds alone as line ends. Raises BadText."""
    lines = typed.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    description = _checked(lines, _FORBIDDEN_BUT_LINES).strip()
    if len(description) > DESCRIPTION_LENGTH_MAX:
        raise BadText(f"Use at most {DESCRIPTION_LENGTH_MAX} characters; this has {len(description)}.")
    return description


def _checked(text: str, forbidden: re.Pattern[str]) -> str:
    text = unicodedata.normalize("NFC", text)
    found = forbidden.search(text)
    if found:
        raise BadText(
            f"Remove the invisible character U+{ord(found[0]):04X} at position {found.start() + 1}. "
            "It would hide or reorder the text around it."
        )
    return text
