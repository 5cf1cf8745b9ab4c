"""A secret that has to be asked for by name: printed, formatted, logged or shown in a traceback it is three stars."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn, final

STARS = "***"


@final
class Secret:
    """Bytes that leave only through `reveal()`.

    Everything else that would copy them out is refused or shows stars: `str`, `repr`, `format`, `%`, pickle, copy, JSON, `vars`, `bytes`.
    `wipe()` overwrites this copy. It cannot reach copies made by whoever called `reveal()`, nor those the libraries below made.
    """

    __slots__ = ("__bytes",)

    def __init__(self, value: bytes | bytearray) -> None:
        self.__bytes = bytearray(value)

    def reveal(self) -> bytes:
        """The bytes themselves. Whoever calls this marks its function with `sensitive_variables`."""
        return bytes(self.__bytes)

    def wipe(self) -> None:
        """Overwrite the bytes with zeros, and forget them."""
        for place in range(len(self.__bytes)):
            self.__bytes[place] = 0
        self.__bytes = bytearray()

    def __repr__(self) -> str:
        return STARS

    def __str__(self) -> str:
        return STARS

    def __format__(self, specification: str) -> str:
        return STARS

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # In constant time, so that a comparison tells nobody how much of it was right.
        return hmac.compare_digest(self.__bytes, other.__bytes)

    # Not hashable: a hash of a secret is a fingerprint of it.
    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("A secret is not pickled, copied or sent to another process.")

    def __bool__(self) -> NoReturn:
        raise TypeError("A secret has no truth value: compare it with None.")
