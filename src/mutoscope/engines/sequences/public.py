"""Numbers as the public sees them."""

from __future__ import annotations

import random
import secrets
import string

from sqids import Sqids

_ALPHABET = string.ascii_letters + string.digits
RANDOM_LENGTH = 22


class PublicIds:
    """Numbers as short texts and back, such as 17 as `pX3kD9`. They hide how many there are from a glance, and are no secret:

    whoever tries hard enough can decode them. Where guessing must be impossible, use `random_id`.
    `purpose` makes the same number look different elsewhere; it must never change.
    """

    def __init__(self, purpose: str, *, length_min: int = 6) -> None:
        letters = list(_ALPHABET)
        # Repeatable on purpose, and no secret.
        random.Random(f"mutoscope public ids: {purpose}").shuffle(letters)  # noqa: S311
        self._sqids = Sqids(alphabet="".join(letters), min_length=length_min)

    def encode(self, number: int) -> str:
        """The text of a number, 0 or above."""
        return self._sqids.encode([number])

    def decode(self, text: str) -> int | None:
        """The number of a text that `encode` made; None for any other, so that one page has one address."""
        numbers = self._sqids.decode(text)
        is_ours = len(numbers) == 1 and numbers[0] < 2**63 and self._sqids.encode(numbers) == text
        return numbers[0] if is_ours else None


def random_id() -> str:
    """A text of 22 letters and digits with 130 random bits, which nobody guesses."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_LENGTH))
