"""The methods by name. Each takes the chain and its parameters and returns the `result` of a JSON-RPC answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mutoscope.engines.solana.chain.params import Params

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.node import Node

Call = Callable[["Node", Params], Any]


@dataclass(frozen=True, slots=True)
class Method:
    """`options_at` is the position of the object of options, `most` how many parameters there may be."""

    call: Call
    options_at: int


METHODS: dict[str, Method] = {}


def method(name: str, options_at: int) -> Callable[[Call], Call]:
    """Make the function that method."""

    def register(call: Call) -> Call:
        METHODS[name] = Method(call, options_at)
        return call

    return register
