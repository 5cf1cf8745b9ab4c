"""What a checkpoint holds comes back as it was, or is refused when it is written: what a unit gets is the same before and after a crash."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutoscope.engines.tasks.pipelines.codec import DoesNotFit, OutputTooLarge, keep, load
from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.pipeline import Pipeline
from mutoscope.engines.tasks.pipelines.units import Unit, each
from mutoscope.engines.tasks.queue.backend import PostgresBackend
from mutoscope.engines.tasks.queue.policy import Policy
from tests.engines.tasks.conftest import working
from tests.engines.tasks.pipelines.test_runs import ended, outputs


class Colour(Enum):
    RED = "red"
    TWO = 2


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Word(StrEnum):
    YES = "yes"


class Point(NamedTuple):
    x: int
    when: date | None


@dataclass(frozen=True)
class Leaf:
    number: int
    price: Decimal
    colour: Colour


@dataclass(frozen=True)
class Tree:
    leaf: Leaf | None
    leaves: tuple[Leaf, ...]
    by_number: dict[int, Leaf]
    names: frozenset[str]


@dataclass(eq=False)
class Plain:
    """Equal to nothing but itself, as far as == goes."""

    number: int
    moments: list[datetime]


LEAVES = st.builds(Leaf, st.integers(), st.decimals(allow_nan=False), st.sampled_from(Colour))
ZONES = st.one_of(
    st.none(),
    st.just(UTC),
    st.just(ZoneInfo("Europe/Berlin")),
    st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)

# Each type that the docs allow, with values of it.
KINDS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(),
    bool: st.booleans(),
    float: FLOATS,
    str: st.text(),
    None: st.none(),
    int | None: st.none() | st.integers(),
    int | str: st.integers() | st.text(),
    Decimal | Leaf | str: LEAVES
    | st.from_regex("[a-z]+", fullmatch=True).filter(lambda text: text not in ("nan", "snan", "inf", "infinity")),
    UUID | Leaf | None: st.none() | st.uuids() | LEAVES,
    date: st.dates(),
    datetime: st.datetimes(timezones=ZONES),
    Decimal: st.decimals(allow_nan=False),
    UUID: st.uuids(),
    Path: st.text("abc/.", min_size=1).map(Path),
    Colour: st.sampled_from(Colour),
    Level: st.sampled_from(Level),
    Word: st.sampled_from(Word),
    Leaf: LEAVES,
    Tree: st.builds(
        Tree,
        st.none() | LEAVES,
        st.lists(LEAVES, max_size=3).map(tuple),
        st.dictionaries(st.integers(), LEAVES, max_size=3),
        st.frozensets(st.text()),
    ),
    Point: st.builds(Point, st.integers(), st.none() | st.dates()),
    list[Decimal]: st.lists(st.decimals(allow_nan=False)),
    Sequence[int]: st.lists(st.integers()),
    tuple[int, str, Leaf]: st.tuples(st.integers(), st.text(), LEAVES),
    tuple[date, ...]: st.lists(st.dates()).map(tuple),
    set[UUID]: st.sets(st.uuids()),
    frozenset[tuple[int, str]]: st.frozensets(st.tuples(st.integers(), st.text())),
    dict[str, Any]: st.dictionaries(st.text(), st.integers() | st.lists(st.text())),
    dict[int, str]: st.dictionaries(st.integers(), st.text()),
    dict[bool, int]: st.dictionaries(st.booleans(), st.integers()),
    dict[float, int]: st.dictionaries(FLOATS, st.integers()),
    dict[Colour, int]: st.dictionaries(st.sampled_from(Colour), st.integers()),
    dict[Level, int]: st.dictionaries(st.sampled_from(Level), st.integers()),
    dict[UUID, int]: st.dictionaries(st.uuids(), st.integers()),
    dict[date, int]: st.dictionaries(st.dates(), st.integers()),
    dict[datetime, int]: st.dictionaries(st.datetimes(timezones=st.just(UTC)), st.integers()),
    dict[Decimal, int]: st.dictionaries(st.decimals(allow_nan=False), st.integers()),
    Mapping[int, Mapping[int, bool]]: st.dictionaries(st.integers(), st.dictionaries(st.integers(), st.booleans())),
    Literal["a", "b"]: st.sampled_from(["a", "b"]),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_what_is_of_a_type_that_can_be_kept_comes_back_equal_and_of_its_type(kind: Any) -> None:
    @settings(max_examples=40, deadline=None, database=None)
    @given(KINDS[kind])
    def check(value: Any) -> None:
        text, back = keep(value, kind, "it")
        again = load(text, kind)
        # One moment in a zone that is named and in its offset may be unequal: where clocks are set back.
        same = value.isoformat() if isinstance(value, datetime) else value
        assert (again.isoformat() if isinstance(value, datetime) else again) == same
        assert type(again) is type(back) is type(value)

    check()


def test_zeros_keep_their_sign() -> None:
    assert str(load(keep(-0.0, float, "it")[0], float)) == "-0.0"


def test_a_class_without_an_equality_of_its_own_is_compared_by_its_fields() -> None:
    # In this hour clocks are set back, where == between zones is always false.
    moment = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    _, back = keep(Plain(1, [moment]), Plain, "it")
    assert back.number == 1
    assert back.moments[0].timestamp() == moment.timestamp()
    with pytest.raises(DoesNotFit, match=r"\[0\]\.number is Decimal and comes back as str"):
        keep([Plain(Decimal(1), [moment])], list[Plain], "it")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Larger(Leaf):
    more: int = 0


@pytest.mark.parametrize(
    ("value", "kind", "complaint"),
    [
        (None, int, "is None, declared is int"),
        ("7", int, "is str, declared is int"),
        (1.5, int, "is float, declared is int"),
        (None, list[int], r"is None, declared is list\[int\]"),
        (None, Leaf, "is None, declared is Leaf"),
        (b"x", bytes, "bytes cannot be kept"),
        (object(), object, "object cannot be kept"),
        (float("nan"), float, "not JSON compliant"),
        ({"a": [float("inf")]}, dict[str, list[float]], "not JSON compliant"),
        (Decimal("NaN"), Decimal, "NaN equals nothing"),
        (Decimal("sNaN"), Decimal, "NaN equals nothing"),
        ({1: "a"}, dict[str, str], "other types"),
        ({1: "a"}, dict, "other types"),
        ({1: "a", "1": "b"}, dict[Any, str], "other types"),
        ({(1, 2): "a"}, dict[tuple[int, int], str], "tuple cannot be a key"),
        ({"a": (1, 2)}, dict[str, Any], r"\['a'\] is tuple and comes back as list"),
        ((1, 2), Any, "is tuple and comes back as list"),
        ((1, 2), Sequence[int], "is tuple and comes back as list"),
        (Leaf(1, Decimal(1), Colour.RED), Any, "is Leaf and comes back as dict"),
        (Larger(1, Decimal(1), Colour.RED, 2), Leaf, "unexpected keyword argument 'more'"),
        (deque([1]), deque, "is deque and comes back as list"),
        (datetime(2026, 1, 2, tzinfo=UTC), date, "Invalid isoformat"),
        (timedelta(1), timedelta, "timedelta cannot be kept"),
        (Colour.TWO, int | None, "is Colour, declared is"),
        ("a word", Decimal | int, "is str, declared is"),
        (uuid4(), str | UUID, "is UUID and comes back as str"),
    ],
)
def test_what_would_come_back_as_something_else_is_refused_by_name(value: Any, kind: Any, complaint: str) -> None:
    with pytest.raises(DoesNotFit, match=f"output of unit x: .*{complaint}"):
        keep(value, kind, "output of unit x")


def test_what_is_like_it_comes_back_as_what_was_declared() -> None:
    """Whoever goes on at once gets the same."""
    assert type(keep(OrderedDict(a=1), dict[str, int], "it")[1]) is dict
    assert type(keep(True, int, "it")[1]) is bool
    assert keep(1, float, "it") == ("1", 1)


def test_who_made_what_is_too_large_is_named() -> None:
    with pytest.raises(OutputTooLarge, match=r"output of unit x: .* Reference"):
        keep("x" * 300_000, str, "output of unit x")


class Tell(Unit[str, dict[int, str]]):
    def run(self, context: UnitContext, value: str) -> dict[int, str]:
        return {1: value}


class Hear(Unit[dict[int, str], str]):
    def run(self, context: UnitContext, value: dict[int, str]) -> str:
        return value[1]


class HearLater(Hear):
    """In another task than the unit before: what it gets is read back."""

    policy = Policy(limit_key="codec")


AT_ONCE = Pipeline("codec: at once", Tell() >> Hear())
LATER = Pipeline("codec: later", Tell() >> HearLater())


class Nothing(Unit[int, int]):
    policy = Policy(attempts_max=1)

    def run(self, context: UnitContext, value: int) -> int:
        return None  # type: ignore[return-value]


class Next(Unit[int, int]):
    def run(self, context: UnitContext, value: int) -> int:
        return value + 1


MADE_NOTHING = Pipeline("codec: made nothing", Nothing() >> Next())


class Twice(Unit[int, int]):
    def run(self, context: UnitContext, value: int) -> int:
        return 2 * value


def texts_of(values: list[int]) -> list[int]:
    return [str(value) for value in values]  # type: ignore[misc]


WRONG_ITEMS = Pipeline("codec: wrong items", each(Twice(), by=texts_of))


def test_a_unit_gets_the_same_whether_it_goes_on_at_once_or_reads_what_was_kept(backend: PostgresBackend) -> None:
    runs = [AT_ONCE.start("word"), LATER.start("word")]
    with working(backend):
        assert [ended(run_id).state for run_id in runs] == ["SUCCEEDED", "SUCCEEDED"]
    assert outputs(runs[0])["hear"] == outputs(runs[1])["hear_later"] == '"word"'


def test_a_unit_that_makes_not_what_it_declares_fails_itself_and_not_the_next(backend: PostgresBackend) -> None:
    run_id = MADE_NOTHING.start(1)
    with working(backend):
        assert "output of unit nothing: is None, declared is int" in str(ended(run_id).error)
    assert outputs(run_id) == {}


def test_an_input_or_an_item_that_the_unit_does_not_take_is_refused_by_start(backend: PostgresBackend) -> None:
    with pytest.raises(DoesNotFit, match="input of pipeline 'codec: at once': is int, declared is str"):
        AT_ONCE.start(7)  # type: ignore[arg-type]
    with pytest.raises(DoesNotFit, match=r"item 0 of each\(twice\) is str, taken is int"):
        WRONG_ITEMS.start([1])
