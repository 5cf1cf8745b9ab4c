"""Arguments and results to JSON and back, as fast as the standard library can."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def _other(value: Any) -> Any:
    """What the tasks API allows beside JSON's own types: text in bytes, any mapping, any sequence."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__module__}.{type(value).__qualname__} cannot be stored as JSON")


# NaN and infinity are no JSON: refused here, where the caller sees it.
_encode = json.JSONEncoder(default=_other, allow_nan=False, separators=(",", ":")).encode

decode = json.loads


def encode(value: Any) -> str:
    """The value as JSON text. Raises TypeError or ValueError for what JSON has no form for."""
    return _encode(value)


def encode_args(args: Sequence[Any]) -> str:
    """Positional arguments as JSON text. Raises as encode does, and TypeError for a text, which is a sequence by accident."""
    if not isinstance(args, (list, tuple)) and (isinstance(args, str | bytes) or not isinstance(args, Sequence)):
        raise TypeError(f"args is {args!r}, and has to be a list or a tuple of arguments")
    return _encode(args) if args else "[]"


def encode_kwargs(kwargs: Mapping[str, Any]) -> str:
    """Named arguments as JSON text. Raises as encode does, and TypeError for what is no mapping."""
    if not isinstance(kwargs, (dict, Mapping)):
        raise TypeError(f"kwargs is {kwargs!r}, and has to be a mapping of names to arguments")
    return _encode(kwargs) if kwargs else "{}"
