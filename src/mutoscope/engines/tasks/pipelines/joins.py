"""Whether one unit's output fits the next one's input, asked when a pipeline is put together."""

from __future__ import annotations

import types
from typing import Any, TypeVar, Union, get_args, get_origin


class WrongJoin(TypeError):
    """Two steps were joined of which the first does not make what the second takes."""


def fits(made: Any, taken: Any) -> bool:
    """Whether a value of type `made` may go where `taken` is expected. In doubt, yes: mypy is the stricter judge."""
    if Any in (made, taken) or isinstance(made, TypeVar) or isinstance(taken, TypeVar) or made == taken:
        return True
    made_origin, taken_origin = get_origin(made), get_origin(taken)
    if made_origin in (Union, types.UnionType):
        return all(fits(member, taken) for member in get_args(made))
    if taken_origin in (Union, types.UnionType):
        return any(fits(made, member) for member in get_args(taken))
    made_class, taken_class = made_origin or made, taken_origin or taken
    made_class = type(None) if made_class is None else made_class
    if made_class in (int, bool) and taken_class is float:
        return True
    taken_class = type(None) if taken_class is None else taken_class
    if not isinstance(made_class, type) or not isinstance(taken_class, type):
        return True
    try:
        if not issubclass(made_class, taken_class):
            return False
    except TypeError:
        return True
    made_arguments, taken_arguments = get_args(made), get_args(taken)
    if len(made_arguments) != len(taken_arguments):
        return not made_arguments or not taken_arguments or made_class is not tuple
    return all(fits(one, other) for one, other in zip(made_arguments, taken_arguments, strict=True))


def shown(kind: Any) -> str:
    """A type as people write it."""
    return kind.__qualname__ if isinstance(kind, type) and get_origin(kind) is None else str(kind)


def declared_types(cls: type, root: type) -> tuple[Any, Any]:
    """In and Out of a kind of `root` as the class, or one of its parents, wrote them: `class Probe(Unit[Source, Facts])`."""
    for parent in cls.__mro__:
        for base in getattr(parent, "__orig_bases__", ()):
            origin = get_origin(base)
            arguments = get_args(base)
            if isinstance(origin, type) and issubclass(origin, root) and len(arguments) == 2:
                return arguments[0], arguments[1]
    return Any, Any
