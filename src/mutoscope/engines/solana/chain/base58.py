"""Base 58 as Bitcoin and Solana write bytes. Source: draft-msporny-base58."""

from __future__ import annotations

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
VALUES = {character: value for value, character in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return ALPHABET[0] * zeros + "".join(reversed(digits))


def decode(text: str) -> bytes:
    """Raises ValueError for a character that is not of the alphabet. Quadratic: callers bound the length."""
    number = 0
    for character in text:
        if character not in VALUES:
            raise ValueError(f"{character!r} is not a base 58 digit")
        number = number * 58 + VALUES[character]
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
