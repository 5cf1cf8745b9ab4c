"""The two layers that steps write: internals and outputs. (Inputs are an ordinary frozen dataclass.)

A layer declares its attributes by annotation. mypy then knows each one's type and refuses a misspelt name; at run time,
an attribute cannot be read before it was written, nor written when it was not declared.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, get_origin

from mutoscope.engines.services.errors import MissingOutput, UndeclaredAttribute, UnreadableLayer, WrittenAfterReturn

_MUTABLE = (list, dict, set, bytearray)


class Layer:
    """Attributes that are declared here and written by steps."""

    declared: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        own = {name for name, kind in inspect.get_annotations(cls).items() if not _is_class_variable(kind)}
        for name in own:
            if isinstance(cls.__dict__.get(name), _MUTABLE):
                raise UndeclaredAttribute(
                    f"{cls.__name__}.{name} has a mutable default, which every call would share. Write it in a step."
                )
        cls.declared = cls.declared | own

    # Hidden from mypy, which would otherwise believe that any attribute may be read and written.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Called only when the ordinary look-up found nothing, so that a written attribute costs nothing extra.
            if name in self.declared:
                raise UnreadableLayer(f"{type(self).__name__}.{name} is read before any step has written it")
            raise UndeclaredAttribute(f"{type(self).__name__} declares no attribute {name!r}")

        def __setattr__(self, name: str, value: Any) -> None:
            if name not in self.declared:
                raise UndeclaredAttribute(f"{type(self).__name__} declares no attribute {name!r}")
            object.__setattr__(self, name, value)


class Internals(Layer):
    """Base of a service's working state. Lives for one call, seen by its steps only."""


class Outputs(Layer):
    """Base of what a service returns. Complete and read-only once returned."""

    _returned = False

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            if self._returned:
                raise WrittenAfterReturn(f"{type(self).__name__}.{name} was already returned and cannot change")
            Layer.__setattr__(self, name, value)

        def __delattr__(self, name: str) -> None:
            if self._returned:
                raise WrittenAfterReturn(f"{type(self).__name__}.{name} was already returned and cannot change")
            object.__delattr__(self, name)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in sorted(self.declared) if hasattr(self, name))
        return f"{type(self).__name__}({shown})"


class NoInternals(Internals):
    """For a service that needs no working state."""


class NoOutputs(Outputs):
    """For a service that is called for its effect."""


def finish(outputs: Outputs) -> None:
    """Make outputs read-only. Raises MissingOutput when a declared one was never written and has no default."""
    written = outputs.__dict__
    if len(written) < len(outputs.declared):
        missing = sorted(name for name in outputs.declared if name not in written and not hasattr(type(outputs), name))
        if missing:
            raise MissingOutput(f"{type(outputs).__name__}: no step wrote {', '.join(missing)}")
    written["_returned"] = True


def _is_class_variable(kind: object) -> bool:
    # Annotations are text under `from __future__ import annotations`.
    return kind is ClassVar or get_origin(kind) is ClassVar or str(kind).startswith(("ClassVar", "typing.ClassVar"))
