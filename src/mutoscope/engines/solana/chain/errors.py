"""The refusals of a Solana node, with its own codes and shapes.

Source: Agave's `rpc-client-api/src/custom_error.rs` and JSON-RPC 2.0, section 5.1.
"""

from __future__ import annotations

from typing import Any

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
PREFLIGHT_FAILURE = -32002
SIGNATURE_FAILURE = -32003
BLOCK_NOT_AVAILABLE = -32004
NODE_UNHEALTHY = -32005
SLOT_SKIPPED = -32007
LONG_TERM_SLOT_SKIPPED = -32009
UNSUPPORTED_VERSION = -32015
MIN_CONTEXT_SLOT_NOT_REACHED = -32016


class RpcError(Exception):
    """An answer that is an error. `code`, `message` and `data` as JSON-RPC has them."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.data = data

    def body(self) -> dict[str, Any]:
        """The `error` member of a JSON-RPC answer."""
        return {
            "code": self.code,
            "message": self.message,
            **({"data": self.data} if self.data is not None else {}),
        }


def invalid_param(name: str, problem: str) -> RpcError:
    """One parameter cannot be used; the message names it."""
    return RpcError(INVALID_PARAMS, f"Invalid param: `{name}`: {problem}")
