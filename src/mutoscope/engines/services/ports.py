"""Where an adapter from a ring above is plugged into a port that a ring below owns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

PortT = TypeVar("PortT")


class Socket(Generic[PortT]):
    """Holds the adapter of one port: the owner's own default until the root of the program binds another.

    Bound once, while the program starts; read by every thread afterwards.
    """

    def __init__(self, default: PortT) -> None:
        self._adapter = default

    def bind(self, adapter: PortT) -> None:
        """Use this adapter from now on."""
        self._adapter = adapter

    def get(self) -> PortT:
        """The adapter in use."""
        return self._adapter

    @contextmanager
    def bound(self, adapter: PortT) -> Iterator[None]:
        """Use this adapter for the length of the block: for tests."""
        before = self._adapter
        self._adapter = adapter
        try:
            yield
        finally:
            self._adapter = before
