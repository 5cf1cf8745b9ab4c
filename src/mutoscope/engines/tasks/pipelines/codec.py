"""Inputs and outputs of units to JSON and back, by their declared types."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from mutoscope.engines.tasks.queue.encoding import decode, encode

# A checkpoint is read again by later units and copied by every backup. What is larger belongs into storage.
OUTPUT_BYTES_MAX = 256 * 1024


class OutputTooLarge(Exception):
    """The unit's output is larger than a checkpoint may be: save it in storage and return a Reference to it."""


def dump(value: Any) -> str:
    """The value as JSON text. Raises TypeError for what has no form in JSON, OutputTooLarge for what is too long."""
    text = encode(_plain(value))
    if len(text) > OUTPUT_BYTES_MAX:
        raise OutputTooLarge(
            f"the output is {len(text):,} bytes of JSON, a checkpoint holds {OUTPUT_BYTES_MAX:,}: "
            "save it with context.save() and return the Reference"
        )
    return text


def load(text: str | None, kind: Any) -> Any:
    """The value of that type from its JSON text. Raises ValueError when the text does not fit the type."""
    return None if text is None else build(decode(text), kind)


_JSON_TYPES = frozenset((type(None), str, int, float, bool))


def _plain(value: Any) -> Any:
    if type(value) in _JSON_TYPES:
        return value
    if value is None or (isinstance(value, str | int | float | bool) and not isinstance(value, Enum)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | Path):
        return str(value)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__qualname__} cannot be kept in a checkpoint: use a dataclass, or JSON's own types")


def build(value: Any, kind: Any) -> Any:
    """The value of that type that these JSON values stand for. Raises ValueError."""
    if kind is Any or isinstance(kind, typing.TypeVar):
        return value
    origin = get_origin(kind)
    if origin is not None:
        return _build_generic(value, kind, origin)
    if kind is None or kind is type(None):
        return None
    if not isinstance(kind, type):
        return value
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ValueError(f"{kind.__qualname__} cannot be made from {type(value).__name__}")
        hints = _hints(kind)
        try:
            return kind(**{name: build(item, hints.get(name, Any)) for name, item in value.items()})
        except TypeError as error:
            raise ValueError(
                f"the stored {kind.__qualname__} does not fit the code's: {error}. Raise the unit's version and upgrade it."
            ) from error
    if issubclass(kind, datetime | date):
        return kind.fromisoformat(value)
    if issubclass(kind, Enum | Decimal | UUID | Path):
        return kind(value)
    if issubclass(kind, tuple | set | frozenset):
        return kind(value)
    return value


def _build_generic(value: Any, kind: Any, origin: Any) -> Any:
    arguments = get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        members = [member for member in arguments if member is not type(None)]
        for member in members:
            try:
                return build(value, member)
            except (ValueError, TypeError):
                continue
        raise ValueError(f"{value!r} is none of {kind}")
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(build(item, arguments[0]) for item in value)
        return tuple(build(item, member) for item, member in zip(value, arguments, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {build(key, arguments[0]): build(item, arguments[1]) for key, item in value.items()}
    if isinstance(origin, type) and issubclass(origin, set | frozenset):
        return origin(build(item, arguments[0]) for item in value)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return [build(item, arguments[0]) for item in value]
    if dataclasses.is_dataclass(origin):
        return build(value, origin)
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except NameError:
        # Types that only exist inside a function cannot be looked up: their fields stay as JSON has them.
        return {}
