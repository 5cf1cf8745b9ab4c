"""Time, faults and rollbacks by JSON-RPC, below /admin: only where the chain was started to take such orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mutoscope.engines.solana.chain.errors import invalid_param
from mutoscope.engines.solana.chain.faults import Fault
from mutoscope.engines.solana.chain.methods import Call, Method
from mutoscope.engines.solana.chain.params import Params

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.node import Node

SLOTS_AT_ONCE_MAX = 10_000_000
SECONDS_MAX = 3600.0
ADMIN_METHODS: dict[str, Method] = {}


def order(name: str, options_at: int) -> Callable[[Call], Call]:
    """Make the function that method."""

    def register(call: Call) -> Call:
        ADMIN_METHODS[name] = Method(call, options_at)
        return call

    return register


def _meant(node: Node, params: Params) -> Node:
    """The node that the option `node` names; without it the one at the root."""
    name = params.options.get("node", "")
    try:
        return node.chain.node(name)
    except (TypeError, ValueError):
        raise invalid_param("node", "must be lower-case letters, digits and hyphens") from None


@order("sandboxArmFault", options_at=1)
def arm_fault(node: Node, params: Params) -> Any:
    name = params.value(0, "fault")
    if name not in list(Fault):
        raise invalid_param("fault", f"must be one of {', '.join(Fault)}")
    methods = params.options.get("methods", [])
    if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
        raise invalid_param("methods", "must be an array of methods' names")
    seconds = params.options.get("seconds", 60.0)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= SECONDS_MAX:
        raise invalid_param("seconds", f"must be between 0 and {SECONDS_MAX:.0f}")
    times = params.number("times", at_most=1_000_000)
    if times == 0:
        raise invalid_param("times", "must be at least 1")
    slots = params.number("slots", 150, 100_000)
    by = params.options.get("by", 1_000_000)
    if isinstance(by, bool) or not isinstance(by, int):
        raise invalid_param("by", "must be a whole number")
    assert slots is not None
    faults = _meant(node, params).faults
    faults.add(name, *methods, times=times, seconds=float(seconds), slots=slots, by=by)
    return faults.armed()


@order("sandboxFaults", options_at=0)
def list_faults(node: Node, params: Params) -> Any:
    return {one.name or "root": one.faults.armed() for one in node.chain.nodes()}


@order("sandboxClearFaults", options_at=0)
def clear_faults(node: Node, params: Params) -> Any:
    for one in [_meant(node, params)] if "node" in params.options else node.chain.nodes():
        one.faults.clear()
    return True


@order("sandboxRollBack", options_at=1)
def roll_back(node: Node, params: Params) -> Any:
    return node.chain.roll_back(params.u64(0, "slots", SLOTS_AT_ONCE_MAX))


@order("sandboxAdvance", options_at=1)
def advance(node: Node, params: Params) -> Any:
    node.chain.advance(params.u64(0, "slots", SLOTS_AT_ONCE_MAX))
    return node.bank.head().number


@order("sandboxAddNode", options_at=1)
def add_node(node: Node, params: Params) -> Any:
    name = params.value(0, "name")
    try:
        return node.chain.node(name).url
    except (TypeError, ValueError):
        raise invalid_param("name", "must be lower-case letters, digits and hyphens") from None


@order("sandboxDropWebsockets", options_at=0)
def drop_websockets(node: Node, params: Params) -> Any:
    return _meant(node, params).drop_websockets()
