"""Columns for what Django has no column for."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models

Set = TypeVar("Set")
Get = TypeVar("Get")

# Generic for the type checker alone: Django's own fields cannot be subscripted.
if TYPE_CHECKING:

    class Numeric(models.DecimalField[Set, Get]): ...

    class Text(models.CharField[Set, Get]): ...

else:

    class Numeric(models.DecimalField):
        def __class_getitem__(cls, _):
            return cls

    class Text(models.CharField):
        def __class_getitem__(cls, _):
            return cls


class BaseUnitsField(Numeric[Set, Get]):
    """A whole number of base units. numeric(20), since an unsigned 64-bit integer does not fit a bigint. Integers in Python."""

    # Read by the type checker's plugin for Django.
    _pyi_private_set_type: int
    _pyi_private_get_type: int  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = kwargs.get("max_digits", 20), 0
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, *_: Any) -> int | None:
        return None if value is None else int(value)

    def run_validators(self, value: Any) -> None:
        # Those of a DecimalField, which read a Decimal.
        super().run_validators(None if value is None else Decimal(value))

    def to_python(self, value: Any) -> Any:
        decimal = super().to_python(value)
        return None if decimal is None else int(decimal)


class AddressField(Text[Set, Get]):
    """An address, or a signature with `max_length=88`: base58, compared byte by byte."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 44)
        super().__init__(*args, **kwargs)
