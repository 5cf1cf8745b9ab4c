"""JSON-RPC 2.0: a request's text in, an answer's text out. Source: https://www.jsonrpc.org/specification"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mutoscope.engines.solana.chain.bank import Refused
from mutoscope.engines.solana.chain.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    PREFLIGHT_FAILURE,
    RpcError,
)
from mutoscope.engines.solana.chain.faults import Fault
from mutoscope.engines.solana.chain.lies import falsified
from mutoscope.engines.solana.chain.methods import METHODS, Method
from mutoscope.engines.solana.chain.params import Params
from mutoscope.engines.solana.chain.transaction_errors import sentence

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.node import Node

logger = logging.getLogger(__name__)

BATCH_MAX = 100
PARAMS_MAX = 5
LIES = (Fault.WRONG_AMOUNT, Fault.WRONG_MINT, Fault.WRONG_OWNER)
WITHHELD: dict[str, Any] = {"getTransaction": None, "getSignaturesForAddress": [], "getSignatureStatuses": None}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a transport delivers: an HTTP status, a text if there is any, and how long to keep the caller waiting."""

    text: str | None
    status: int = 200
    hold_s: float = 0.0
    retry_after_s: float | None = None


def answer(node: Node, text: bytes | str, methods: dict[str, Method] = METHODS) -> Answer:
    """The answer to one request or one batch; without text where only notifications were sent."""
    request = parsed(text)
    if isinstance(request, RpcError):
        return Answer(_dump(failure(None, request)))
    members = request if isinstance(request, list) else [request]
    if methods is METHODS:  # orders to the chain get through whatever its nodes suffer
        for member in members:
            struck = _struck(node, member)
            if struck is not None:
                return struck
    answers = [one for one in (answer_one(node, member, methods) for member in members) if one is not None]
    lost = next((fault for member in members if (fault := _take(node, Fault.LOSE_ANSWER, member))), None)
    if not answers:
        return Answer(None)
    body = answers if isinstance(request, list) else answers[0]
    return Answer(_dump(body), hold_s=0.0 if lost is None else lost.seconds)


def parsed(text: bytes | str) -> Any:
    """A request or a batch of them, or the RpcError to answer with."""
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return RpcError(PARSE_ERROR, "Parse error")
    if isinstance(request, list) and not 1 <= len(request) <= BATCH_MAX:
        return RpcError(INVALID_REQUEST, f"Invalid request: a batch holds 1 to {BATCH_MAX} requests")
    return request


def answer_one(node: Node, request: Any, methods: dict[str, Method] = METHODS) -> dict[str, Any] | None:
    """The answer to one request, as an object."""
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return failure(None, RpcError(INVALID_REQUEST, "Invalid request"))
    number = request.get("id")
    if isinstance(number, (dict, list, bool)):
        return failure(None, RpcError(INVALID_REQUEST, "Invalid request: `id` must be text, a number or null"))
    try:
        result = call(node, request["method"], request.get("params"), methods)
    except RpcError as error:
        outcome = failure(number, error)
    except Exception:
        logger.exception("the sandbox chain failed at %s", request["method"], extra={"action": "chain.method_failed"})
        outcome = failure(number, RpcError(INTERNAL_ERROR, "Internal error"))
    else:
        outcome = success(number, result)
    return outcome if "id" in request else None


def call(node: Node, name: str, values: Any, methods: dict[str, Method] = METHODS) -> Any:
    """Run one method. Raises RpcError."""
    method = methods.get(name)
    if method is None:
        raise RpcError(METHOD_NOT_FOUND, "Method not found")
    if values is None:
        values = []
    if not isinstance(values, list):
        raise RpcError(INVALID_PARAMS, "Invalid params: `params` must be an array")
    if len(values) > PARAMS_MAX:
        raise RpcError(INVALID_PARAMS, f"Invalid params: at most {PARAMS_MAX}")
    with node.bank.lock:
        node.begin(name)
        try:
            result = method.call(node, Params(values, method.options_at))
        except Refused as refused:
            raise RpcError(PREFLIGHT_FAILURE, f"Transaction simulation failed: {sentence(refused.error)}") from None
        return _as_this_node_tells_it(node, name, result)


def _as_this_node_tells_it(node: Node, name: str, result: Any) -> Any:
    if name in WITHHELD and node.faults.take(Fault.WITHHOLD, name) is not None:
        if name == "getSignatureStatuses":
            return {**result, "value": [None] * len(result["value"])}
        return WITHHELD[name]
    for lie in LIES:
        armed = node.faults.take(lie, name)
        if armed is not None:
            result = falsified(result, lie, armed.by)
    return result


def _struck(node: Node, member: Any) -> Answer | None:
    """The answer of a node that did nothing at all."""
    late = _take(node, Fault.TIME_OUT, member)
    if late is not None:
        return Answer(None, status=504, hold_s=late.seconds)
    limited = _take(node, Fault.RATE_LIMIT, member)
    if limited is not None:
        error = RpcError(429, "Too many requests for a specific RPC call")
        return Answer(_dump(failure(_number(member), error)), status=429, retry_after_s=limited.seconds)
    if _take(node, Fault.BROKEN, member) is not None:
        return Answer("Service unavailable", status=503)
    return None


def _take(node: Node, fault: Fault, member: Any) -> Any:
    name = member.get("method") if isinstance(member, dict) else None
    return node.faults.take(fault, name) if isinstance(name, str) else None


def _number(member: Any) -> Any:
    number = member.get("id") if isinstance(member, dict) else None
    return None if isinstance(number, (dict, list)) else number


def success(number: Any, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "result": result, "id": number}


def failure(number: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": error.body(), "id": number}


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
