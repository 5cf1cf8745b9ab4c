"""What is refused when a pipeline is put together: at import, and by mypy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from mutoscope.engines.tasks.pipelines.codec import OUTPUT_BYTES_MAX, OutputTooLarge, dump, load
from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.joins import WrongJoin, fits
from mutoscope.engines.tasks.pipelines.pipeline import Pipeline, PipelineError
from mutoscope.engines.tasks.pipelines.units import Unit, each, parallel

ROOT = Path(__file__).resolve().parents[4]


class ToText(Unit[int, str]):
    def run(self, context: UnitContext, value: int) -> str:
        return str(value)


class ToNumber(Unit[str, int]):
    def run(self, context: UnitContext, value: str) -> int:
        return int(value)


class Sum(Unit[list[int], int]):
    def run(self, context: UnitContext, value: list[int]) -> int:
        return sum(value)


def test_a_wrong_join_is_refused_when_it_is_made() -> None:
    with pytest.raises(WrongJoin, match="ToText makes str, but Sum takes"):
        ToText() >> Sum()  # type: ignore[operator]


def test_a_wrong_join_after_a_fan_out_is_refused() -> None:
    with pytest.raises(WrongJoin):
        each(ToText(), by=lambda value: [value]) >> Sum()  # type: ignore[operator]


def test_parallel_branches_have_to_take_the_same() -> None:
    with pytest.raises(WrongJoin):
        parallel(ToText(), ToNumber())  # type: ignore[arg-type]


def test_a_fan_out_inside_a_fan_out_is_refused() -> None:
    inner: Any = each(ToNumber(), by=list)
    with pytest.raises(WrongJoin):
        each(inner, by=list)


def test_two_units_with_one_key_are_refused() -> None:
    with pytest.raises(PipelineError, match="two units with the key 'to_text'"):
        Pipeline("twice", ToText() >> ToNumber() >> ToText())


def test_keys_are_made_of_the_classes_names() -> None:
    assert ToNumber.key == "to_number"


@pytest.mark.parametrize(
    ("made", "taken", "expected"),
    [
        (int, int, True),
        (bool, int, True),
        (int, str, False),
        (int, float, True),
        (list[int], list[float], True),
        (float, int, False),
        (list[int], Sequence[int], True),
        (list[int], list[str], False),
        (int, int | None, True),
        (int | None, int, False),
        (tuple[int, str], tuple[int, str], True),
        (tuple[int, str], tuple[int, int], False),
        (tuple[int], tuple[int, int], False),
        (Any, int, True),
        (None, None, True),
        (dict[str, int], dict[str, str], False),
    ],
)
def test_types_fit_as_they_should(made: Any, taken: Any, expected: bool) -> None:
    assert fits(made, taken) is expected


def test_mypy_refuses_a_wrong_join_and_takes_a_right_one(tmp_path: Path) -> None:
    program = tmp_path / "joins.py"
    program.write_text(
        """from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.units import Step, Unit, each, parallel

class ToText(Unit[int, str]):
    def run(self, context: UnitContext, value: int) -> str: return str(value)
class ToNumber(Unit[str, int]):
    def run(self, context: UnitContext, value: str) -> int: return int(value)
class Sum(Unit[list[int], int]):
    def run(self, context: UnitContext, value: list[int]) -> int: return sum(value)
class Pair(Unit[tuple[int, int], int]):
    def run(self, context: UnitContext, value: tuple[int, int]) -> int: return value[0]
def letters(text: str) -> list[str]: return list(text)

right: Step[int, int] = ToText() >> each(ToNumber(), by=letters) >> Sum() >> ToText() >> ToNumber()
also: Step[int, str] = ToText() >> parallel(ToNumber(), ToNumber()) >> Pair() >> ToText()
wrong = ToText() >> Sum()
wrong_each = ToText() >> each(ToText(), by=letters)
"""
    )
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--no-incremental",
        "--config-file",
        "",
        "--follow-imports=silent",
        str(program),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "src", check=False)
    complaints = [line for line in done.stdout.splitlines() if "error:" in line]
    assert [line.split(":")[1] for line in complaints] == ["16", "17"], done.stdout


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    when: datetime
    colour: Colour


@dataclass(frozen=True)
class Outer:
    inner: Inner | None
    many: tuple[Inner, ...]
    named: dict[str, list[int]]


def test_dataclasses_come_back_as_they_were() -> None:
    inner = Inner(datetime(2026, 1, 2, tzinfo=UTC), Colour.RED)
    value = Outer(inner, (inner, inner), {"a": [1]})
    assert load(dump(value), Outer) == value
    assert load(dump(Outer(None, (), {})), Outer) == Outer(None, (), {})


def test_an_output_that_is_too_large_is_refused_with_a_way_out() -> None:
    with pytest.raises(OutputTooLarge, match="Reference"):
        dump("x" * OUTPUT_BYTES_MAX)


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="use a dataclass"):
        dump(object())
