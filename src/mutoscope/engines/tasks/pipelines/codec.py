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

from mutoscope.engines.tasks.pipelines.joins import fits, shown
from mutoscope.engines.tasks.queue.encoding import decode, encode

# A checkpoint is read again by later units and copied by every backup. What is larger belongs into storage.
OUTPUT_BYTES_MAX = 256 * 1024


class OutputTooLarge(Exception):
    """The unit's output is larger than a checkpoint may be: save it in storage and return a Reference to it."""


class DoesNotFit(TypeError):
    """The value is not of the type that is declared for it, or a checkpoint would not bring it back as it is."""


def keep(value: Any, kind: Any, whose: str) -> tuple[str, Any]:
    """The value as JSON text, and as that text brings it back, so that who goes on at once gets what a crash would leave.

    `kind` is its declared type, `whose` names it in errors. Raises DoesNotFit or OutputTooLarge.
    """
    try:
        text = dump(value)
        if type(value) is kind and kind in _JSON_TYPES:
            return text, value
        if not fits(type(value), kind):
            given = "None" if value is None else type(value).__qualname__
            raise DoesNotFit(f"is {given}, declared is {shown(kind)}")
        back = build(decode(text), kind)
        different = None if back == value else _difference(value, back, "")
        if different is not None:
            raise DoesNotFit(f"would not come back from its checkpoint as {shown(kind)}: {different}")
    except OutputTooLarge as error:
        raise OutputTooLarge(f"{whose}: {error}") from None
    except (TypeError, ValueError) as error:
        raise DoesNotFit(f"{whose}: {error}") from error
    return text, back


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
# A tuple: some types that are declared cannot be hashed.
_AS_THEY_ARE = (str, int, float, bool, Any)


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
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_nan():
        raise ValueError("NaN equals nothing and cannot be kept in a checkpoint: use None")
    if isinstance(value, Decimal | UUID | Path):
        return str(value)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__qualname__} cannot be kept in a checkpoint: use a dataclass, or JSON's own types")


def _key(key: Any) -> str:
    plain = _plain(key)
    if isinstance(plain, list | dict):
        raise TypeError(f"{type(key).__qualname__} cannot be a key in a checkpoint: JSON's keys are texts")
    return str(plain)


def _difference(value: Any, back: Any, place: str) -> str | None:
    """Where the two differ, in words without their contents, which may be nobody's to read; None where they are alike.

    Asked where == says no: it does so, too, of classes that leave it at identity, and of one moment in two time zones.
    """
    kind = type(value)
    if kind is not type(back):
        return f"{place or 'it'} is {kind.__qualname__} and comes back as {type(back).__qualname__}"
    inside: list[tuple[str, Any, Any]] = []
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if field.init]
        inside = [(f"{place}.{name}", getattr(value, name), getattr(back, name)) for name in names]
    elif isinstance(value, Mapping) and value.keys() == back.keys():
        inside = [(f"{place}[{str(key)!r:.40}]", item, back[key]) for key, item in value.items()]
    elif isinstance(value, list | tuple) and len(value) == len(back):
        pairs = enumerate(zip(value, back, strict=True))
        inside = [(f"{place}[{number}]", one, other) for number, (one, other) in pairs]
    elif value != back and not (isinstance(value, datetime) and value.isoformat() == back.isoformat()):
        return f"{place or 'it'} comes back as another {kind.__qualname__}" + (
            ", with keys of other types" if isinstance(value, Mapping) else ""
        )
    return next(filter(None, (_difference(one, other, where) for where, one, other in inside if one != other)), None)


def build(value: Any, kind: Any) -> Any:
    """The value of that type that these JSON values stand for. Raises ValueError."""
    if kind in _AS_THEY_ARE or isinstance(kind, typing.TypeVar):
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
        try:
            return kind(value)
        except (AttributeError, ArithmeticError) as error:
            raise ValueError(f"no {kind.__qualname__} can be made from this {type(value).__name__}") from error
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        # A NamedTuple.
        hints = _hints(kind)
        return kind(*(build(item, hints.get(name, Any)) for name, item in zip(kind._fields, value, strict=True)))
    if issubclass(kind, tuple | set | frozenset):
        return kind(value)
    return value


def _build_key(text: str, kind: Any) -> Any:
    """A mapping's key from the text that it is in JSON."""
    if kind is int or kind is float:
        return kind(text)
    if kind is bool or (isinstance(kind, type) and issubclass(kind, Enum)):
        members = (False, True) if kind is bool else kind
        for member in members:
            if _key(member) == text:
                return member
        raise ValueError(f"{text!r} is no key of type {kind.__qualname__}")
    return build(text, kind)


def _build_generic(value: Any, kind: Any, origin: Any) -> Any:
    arguments = get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        members = [member for member in arguments if member is not type(None)]
        for member in members:
            if member in _JSON_TYPES and not fits(type(value), member):
                continue
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
        return {_build_key(key, arguments[0]): build(item, arguments[1]) for key, item in value.items()}
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
