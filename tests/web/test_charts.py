"""Charts hold what they are given, whatever it is."""

from __future__ import annotations

import itertools
import re

from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.web.charts import HEIGHT, LABELS_MAX, LINES_MAX, WIDTH, _ticks, bars, curve

VALUES = st.lists(st.integers(-(10**12), 10**12), max_size=120)


def labelled(values: list[int]) -> list[tuple[str, int]]:
    return [(f"day {n}", value) for n, value in enumerate(values)]


@given(VALUES)
def test_ticks_are_even_and_hold_everything(values: list[int]) -> None:
    ticks = _ticks(values)
    assert ticks[0] <= min([0, *values])
    assert ticks[-1] >= max([0, *values])
    assert len({after - before for before, after in itertools.pairwise(ticks)}) == 1
    assert 0 in ticks
    assert 2 <= len(ticks) <= LINES_MAX + 2


@given(VALUES)
def test_nothing_is_drawn_outside_the_drawing(values: list[int]) -> None:
    for chart in (bars(labelled(values)), curve(labelled(values))):
        heights = [float(found) for found in re.findall(r"V([-\d.]+)", chart.shape)]
        across = [float(found) for found in re.findall(r"[MH]([-\d.]+)", chart.shape)]
        assert all(-0.01 <= height <= HEIGHT + 0.01 for height in heights)
        assert all(-0.01 <= x <= WIDTH + 0.01 for x in across)
        assert len(chart.spots) == len(values)
        assert len(chart.labels) <= LABELS_MAX


def test_a_bar_ends_where_its_value_is() -> None:
    chart = bars([("a", 0), ("b", 50), ("c", 100)])
    assert chart.values == ["100", "50", "0"]
    assert re.findall(r"M[\d.]+ ([\d.]+)h[\d.]+V([\d.]+)", chart.shape) == [("200.00", "100.00"), ("200.00", "0.00")]


def test_what_was_taken_back_hangs_below_the_line() -> None:
    chart = bars([("a", -50), ("b", 50)])
    assert chart.values == ["50", "0", "-50"] or len(chart.values) > 3
    downward, upward = re.findall(r"M[\d.]+ ([\d.]+)h[\d.]+V([\d.]+)", chart.shape)
    assert float(downward[1]) > float(downward[0])
    assert float(upward[1]) < float(upward[0])


def test_a_curve_begins_and_ends_at_the_edges() -> None:
    chart = curve([("0:00", 100), ("0:05", 40), ("0:10", 0)], "%", 100)
    assert chart.edge == "M0.00 0.00 500.00 120.00 1000.00 200.00"
    assert chart.summary == "0:00 to 0:10, at most 100 % (0:00)"
    assert chart.spots[1].words == "0:05: 40 %"


def test_nothing_is_said_to_be_nothing() -> None:
    assert bars([]).is_empty
    assert bars([("a", 0)]).is_empty
    assert not bars([("a", -1)]).is_empty


def test_a_chart_of_nothing_says_so_instead_of_drawing_axes() -> None:
    page = "{% load components %}{% bar_chart points 'Your points by day' 'points' %}"

    def drawn(*values: int) -> str:
        return Template(page).render(Context({"points": labelled(list(values))}))

    assert "Nothing in this time." in drawn(0, 0)
    assert "<svg" not in drawn(0, 0)
    assert "<svg" in drawn(0, -5)
    assert "Nothing in this time." not in drawn(0, -5)
