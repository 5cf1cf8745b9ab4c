"""Keeping secrets out of logs: by the name of a field, and by the shape of a value."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

STARS = "***"
# Deeper structures than this are cut: a log line is no place for them, and the walk has to end.
DEPTH_MAX = 6

SECRET_NAME = re.compile(
    r"(?:^|[_.-])(?:pass|passwd|password\d?|secret|token|cookie|sessionid|authorization|auth|csrf\w*|seed|mnemonic|"
    r"private|otp|code|credential)s?(?:$|[_.-])|(?:^|[_.-])(?:\w*_)?key$",
    re.IGNORECASE,
)
# Keys whose names only look secret.
HARMLESS_NAMES = frozenset({"idempotency_key", "status_code", "exit_code", "public_key"})

SECRET_SHAPES = (
    # user:password@ in any URL. The two bounded classes cannot overlap, so the match is linear.
    (re.compile(r"(?<=://)([^/\s:@]{0,200}):([^/\s@]{1,500})@"), r"\1:***@"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), r"\1 ***"),
    # Links that let their holder in: e-mail confirmation and password reset.
    (re.compile(r"(/(?:confirm-email|password/reset/key)/)[^/\s]+"), r"\1***"),
)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the event with every secret replaced by stars."""
    return {key: STARS if is_secret_name(key) else clean(value) for key, value in event.items()}


def clean(value: Any, depth: int = 0) -> Any:
    """A value without the secrets in it."""
    if isinstance(value, str):
        for shape, replacement in SECRET_SHAPES:
            value = shape.sub(replacement, value)
        return value
    if depth >= DEPTH_MAX:
        return "..."
    if isinstance(value, Mapping):
        return {key: STARS if is_secret_name(str(key)) else clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(item, depth + 1) for item in value]
    return value


def is_secret_name(name: str) -> bool:
    """Whether what goes by this name is a secret."""
    return name not in HARMLESS_NAMES and SECRET_NAME.search(name) is not None
