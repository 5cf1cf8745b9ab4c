"""The task class of this backend: Django's, with keys that can be given at enqueue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from mutoscope.engines.tasks.compat import Task
from mutoscope.engines.tasks.queue.policy import check_limit, checked_key

WhenTaken = Literal["keep", "replace"]
WHEN_TAKEN: tuple[WhenTaken, ...] = ("keep", "replace")

if TYPE_CHECKING:
    _Task = Task[..., Any]
else:
    # Django 6's Task is not generic at run time.
    _Task = Task


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTask(_Task):
    """A task with keys of its own, over those of its policy.

    `unique_key`: at most one task waits under it; `when_taken` says whether the waiting one is kept as it is or takes the
    new arguments. `limit_key`: at most `limit_max` (the policy's, unless given) run at once under it. Raises ValueError for
    keys, limits and words that are none.
    """

    unique_key: str | None = None
    when_taken: WhenTaken = "keep"
    limit_key: str | None = None
    limit_max: int | None = None

    def __post_init__(self) -> None:
        checked_key("unique_key", self.unique_key)
        checked_key("limit_key", self.limit_key)
        check_limit("limit_max", self.limit_max)
        if self.when_taken not in WHEN_TAKEN:
            raise ValueError(
                f"when_taken is {self.when_taken!r}, and has to be one of {', '.join(map(repr, WHEN_TAKEN))}"
            )
        # Not super(): a dataclass with slots is made anew, and this function does not know it.
        _Task.__post_init__(self)

    def using(
        self,
        *,
        priority: int | None = None,
        queue_name: str | None = None,
        run_after: datetime | None = None,
        backend: str | None = None,
        unique_key: str | None = None,
        when_taken: WhenTaken | None = None,
        limit_key: str | None = None,
        limit_max: int | None = None,
    ) -> QueueTask:
        """A copy of the task with these instead."""
        given = {
            "priority": priority,
            "queue_name": queue_name,
            "run_after": run_after,
            "backend": backend,
            "unique_key": unique_key,
            "when_taken": when_taken,
            "limit_key": limit_key,
            "limit_max": limit_max,
        }
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return replace(self, **changes)
