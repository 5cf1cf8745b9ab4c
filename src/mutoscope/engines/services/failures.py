"""Expected refusals. A failure is data that the caller may act on; anything else that goes wrong is a bug and escapes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from typing import Any, dataclass_transform


@dataclass_transform(kw_only_default=True, eq_default=False)
class Failure(Exception):
    """An expected refusal.

    A subclass declares its data as annotations and becomes a dataclass with keyword-only fields; the first line of its
    docstring is its message:

        class InsufficientPoints(Failure):
            "The account holds fewer points than the price."
            needed: int
            available: int

        raise InsufficientPoints(needed=30, available=12)
    """

    def __init_subclass__(cls) -> None:
        # Compared by identity, as exceptions are: an exception that defines __eq__ loses its hash, which tracebacks need.
        dataclass(kw_only=True, eq=False, repr=False)(cls)

    def data(self) -> dict[str, Any]:
        """The failure's fields by name, for a problem document or a log line."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.data().items())
        message = first_line(type(self)) or type(self).__name__
        return f"{message} ({shown})" if shown else message

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.data().items())
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled by their positional arguments, and a failure has none.
        return _rebuild, (type(self), self.data())


class Refused(Failure):
    """What was asked is not possible as it stands."""

    def field(self) -> str:
        """The form field to change; `__all__` where it is none in particular."""
        return "__all__"

    def sentence(self) -> str:
        """What a page says about it."""
        raise NotImplementedError


class Unacceptable(Refused):
    """What was typed in a field cannot be what the field is for, whoever types it."""

    where: str
    why: str

    def field(self) -> str:
        return self.where

    def sentence(self) -> str:
        return self.why


def _rebuild(failure: type[Failure], data: dict[str, Any]) -> Failure:
    return failure(**data)


def first_line(described: object) -> str:
    """The first line of a docstring; empty where there is none of its own (a dataclass invents one)."""
    text = inspect.cleandoc(getattr(described, "__doc__", None) or "")
    name = getattr(described, "__name__", "")
    return "" if text.startswith(f"{name}(") else text.split("\n", 1)[0]
