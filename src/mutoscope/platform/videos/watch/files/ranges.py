"""The Range header of RFC 9110, section 14, as far as it concerns us: one range of bytes."""

from __future__ import annotations

import re

# Digits are bounded: a number of a million digits is no length of a file.
ONE_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII)


class Unsatisfiable(Exception):
    """The range begins after the end of the file: 416."""


def parse_range(header: str, length: int) -> tuple[int, int] | None:
    """The first and the last byte that are asked for; None for the whole file.

    What cannot be read, and what asks for several ranges, is answered with the whole file, as the RFC allows. Raises
    Unsatisfiable.
    """
    found = ONE_RANGE.fullmatch(header)
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        wanted = int(found[2])
        if wanted == 0 or length == 0:
            raise Unsatisfiable
        return max(0, length - wanted), length - 1
    first = int(found[1])
    last = int(found[2]) if found[2] else length - 1
    if found[2] and last < first:
        return None
    if first >= length:
        raise Unsatisfiable
    return first, min(last, length - 1)
