"""JSON-RPC 2.0: a request's text in, an answer's text out. Source: https://www.jsonrpc.org/specification"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from mutoscope.engines.solana.chain.bank import Refused
from mutoscope.engines.solana.chain.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
)
from mutoscope.engines.solana.chain.methods import METHODS
from mutoscope.engines.solana.chain.params import Params
from mutoscope.engines.solana.chain.transaction_errors import sentence

if TYPE_CHECKING:
    from mutoscope.engines.solana.chain.sandbox import SandboxChain

logger = logging.getLogger(__name__)

BATCH_MAX = 100
PARAMS_MAX = 5


def answer(chain: SandboxChain, text: bytes | str) -> str | None:
    """The answer to one request or one batch; None where only notifications were sent."""
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return _dump(_failure(None, RpcError(PARSE_ERROR, "Parse error")))
    if isinstance(request, list):
        if not request or len(request) > BATCH_MAX:
            problem = f"Invalid request: a batch holds 1 to {BATCH_MAX} requests"
            return _dump(_failure(None, RpcError(INVALID_REQUEST, problem)))
        answers = [one for one in (answer_one(chain, member) for member in request) if one is not None]
        return _dump(answers) if answers else None
    single = answer_one(chain, request)
    return None if single is None else _dump(single)


def answer_one(chain: SandboxChain, request: Any) -> dict[str, Any] | None:
    """The answer to one request, as an object."""
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return _failure(None, RpcError(INVALID_REQUEST, "Invalid request"))
    number = request.get("id")
    if isinstance(number, (dict, list, bool)):
        return _failure(None, RpcError(INVALID_REQUEST, "Invalid request: `id`"))
    try:
        result = call(chain, request["method"], request.get("params"))
    except RpcError as error:
        outcome = _failure(number, error)
    except Exception:
        logger.exception("chain.method_failed %s", request["method"])
        outcome = _failure(number, RpcError(INTERNAL_ERROR, "Internal error"))
    else:
        outcome = {"jsonrpc": "2.0", "result": result, "id": number}
    return outcome if "id" in request else None


def call(chain: SandboxChain, name: str, values: Any) -> Any:
    """Run one method. Raises RpcError."""
    method = METHODS.get(name)
    if method is None:
        raise RpcError(METHOD_NOT_FOUND, "Method not found")
    if values is None:
        values = []
    if not isinstance(values, list):
        raise RpcError(INVALID_PARAMS, "Invalid params: `params` must be an array")
    if len(values) > PARAMS_MAX:
        raise RpcError(INVALID_PARAMS, f"Invalid params: at most {PARAMS_MAX}")
    with chain.bank.lock:
        try:
            return method.call(chain, Params(values, method.options_at))
        except Refused as refused:
            raise RpcError(INTERNAL_ERROR, sentence(refused.error)) from None


def _failure(number: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": error.body(), "id": number}


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
