"""What a user may put into pipelines of their own: units, their policies and queues, and what is refused before it runs."""

from __future__ import annotations

from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.models import UnitRecord
from mutoscope.engines.tasks.pipelines.pipeline import Pipeline
from mutoscope.engines.tasks.pipelines.units import Unit
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.models import LiveTask
from mutoscope.engines.tasks.queue.policy import Policy
from tests.engines.tasks.conftest import working
from tests.engines.tasks.pipelines.test_runs import ended
from tests.engines.tasks.project.pipelines import STUMBLING


class OneTry(Unit[int, int]):
    key = "shared"
    policy = Policy(attempts_max=1)

    def run(self, context: UnitContext, value: int) -> int:
        raise ValueError("one try")


class ThreeTries(Unit[int, int]):
    key = "shared"
    policy = Policy(attempts_max=3, backoff_s=0.01)

    def run(self, context: UnitContext, value: int) -> int:
        if context.attempt < 3:
            raise ValueError("not yet")
        return value


ONE_TRY = Pipeline("borrowing: one try", OneTry())
THREE_TRIES = Pipeline("borrowing: three tries", ThreeTries())


def test_units_of_two_pipelines_with_one_key_keep_their_own_policies(backend: PostgresBackend) -> None:
    one, three = ONE_TRY.start(1), THREE_TRIES.start(1)
    with working(backend):
        assert ended(one).state == "FAILED"
        assert ended(three).state == "SUCCEEDED"
    assert UnitRecord.objects.get(run_id=three).attempt == 3


def test_a_unit_that_was_enqueued_before_calls_named_their_pipelines_still_runs(backend: PostgresBackend) -> None:
    run_id = STUMBLING.start("it")
    LiveTask.objects.filter(run_id=run_id).update(kwargs=f'{{"run":{run_id},"unit":"before","item":""}}')
    with working(backend):
        assert "the gate is shut" in str(ended(run_id).error)
