"""The examples of the documentation, run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mutoscope.engines.tasks.pipelines import pipeline as pipeline_module
from mutoscope.engines.tasks.pipelines.models import Run, UnitRecord
from mutoscope.engines.tasks.queue import schedules
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.configuration import Configuration
from tests.engines.tasks.conftest import eventually, finished, working

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The document's example as a module, and whatever it declares forgotten afterwards."""
    monkeypatch.setattr(schedules, "_DECLARED", dict(schedules._DECLARED))
    monkeypatch.setattr(pipeline_module, "_PIPELINES", dict(pipeline_module._PIPELINES))
    text = (DOCS / request.param).read_text()
    found = re.search(r"<!-- example: runs as a test -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None, f"{request.param} has no example"
    module = ModuleType("documented_example")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(found[1], request.param, "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("example", ["tasks.md"], indirect=True)
def test_the_example_of_tasks_works_as_written(backend: PostgresBackend, example: ModuleType) -> None:
    ids = example.main()
    with working(backend):
        results = [finished(backend.get_result(task_id)) for task_id in ids]
    values = [result.return_value for result in results]
    assert values == ["Hello, Ada", 9, 7, "Hello, Bo", "Hello, Cy", "Hello, Di"]


@pytest.mark.parametrize("example", ["pipelines.md"], indirect=True)
def test_the_example_of_pipelines_works_as_written(backend: PostgresBackend, example: ModuleType) -> None:
    run_id = example.main()
    with working(backend):
        eventually(lambda: Run.objects.filter(id=run_id, state="SUCCEEDED").exists())
    assert UnitRecord.objects.get(run_id=run_id, unit="show").output == '"2 renditions, cover voyage.mp4.240"'


def test_every_option_is_documented() -> None:
    text = (DOCS / "tasks.md").read_text()
    missing = [name for name in Configuration.__dataclass_fields__ if f"`{name.upper()}`" not in text]
    assert missing == []
