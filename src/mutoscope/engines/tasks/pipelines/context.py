"""What a unit is told of its run, and what it can tell in return."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from django.core.files.base import File
from django.core.files.storage import storages

if TYPE_CHECKING:
    from mutoscope.engines.tasks.pipelines.units import AnyUnit

Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Reference:
    """A large output, kept in storage; a checkpoint holds only this."""

    storage: str
    name: str
    size: int
    sha256: str

    def open(self) -> IO[bytes]:
        """The stored bytes, to read."""
        return cast("IO[bytes]", storages[self.storage].open(self.name, "rb"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitContext:
    """`idempotency_key` names this attempt; `effect_key` names the effect itself, the same in every attempt."""

    run_id: int
    unit: str
    item: str
    attempt: int
    subject: str
    report: Callable[..., None] = field(repr=False, compare=False)
    cancel_requested: Callable[[], bool] = field(repr=False, compare=False)
    output_loader: Callable[[type[Any]], Any] = field(repr=False, compare=False)

    @property
    def idempotency_key(self) -> tuple[int, str, str, int]:
        return (self.run_id, self.unit, self.item, self.attempt)

    @property
    def effect_key(self) -> str:
        return f"{self.run_id}/{self.unit}/{self.item}"

    def output_of(self, unit: type[AnyUnit[Any, Out]]) -> Out:
        """What an earlier unit of this run returned. Raises LookupError when it has no checkpoint."""
        return cast("Out", self.output_loader(unit))

    def save(self, name: str, content: File, storage: str = "default") -> Reference:  # type: ignore[type-arg]
        """Keep a large output in storage. Each attempt has a place of its own, so that a zombie overwrites nothing."""
        digest = hashlib.sha256()
        for chunk in content.chunks():
            digest.update(chunk)
        content.seek(0)
        path = f"pipelines/{self.run_id}/{self.unit}/{self.item or '-'}/{self.attempt}/{name}"
        saved = storages[storage].save(path, content)
        return Reference(storage, saved, content.size, digest.hexdigest())
