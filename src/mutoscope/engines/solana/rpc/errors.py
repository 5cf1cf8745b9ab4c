"""Why there is no answer. Nothing here ever names a node by more than its host: paths and queries carry access keys."""

from __future__ import annotations

from typing import Any


class RpcError(Exception):
    """A question to the chain has no answer."""


class RpcUnavailable(RpcError):
    """No node answered in time. Nothing is known; ask again later."""


class RpcRefused(RpcError):
    """A node answered that the question is wrong, or that what was sent cannot be. Another node would say the same."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.data = data


class WrongNetwork(RpcError):
    """A node belongs to another network than the configured one. It is not asked again."""


class NotAgreed(RpcError):
    """A second node says something else, or there is none that could say anything."""
