from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from django.contrib.humanize.templatetags import humanize

from mutoscope.web.templatetags.moments import ago, day_utc, moment, moment_utc

WHEN = datetime(2019, 3, 2, 23, 5, 7, tzinfo=UTC)


def test_a_moment_says_that_it_is_in_utc_and_lets_scripts_know_it() -> None:
    assert moment(WHEN) == (
        '<time datetime="2019-03-02T23:05:07+00:00" title="2\u00a0March\u00a02019, 23:05:07 UTC" data-moment>'
        "2\u00a0March\u00a02019, 23:05\u00a0UTC</time>"
    )


def test_what_belongs_to_a_month_in_utc_stays_in_utc() -> None:
    assert "data-moment" not in moment_utc(WHEN)
    assert moment_utc(WHEN).endswith("2\u00a0March\u00a02019, 23:05\u00a0UTC</time>")


def test_a_day_in_utc_says_so() -> None:
    assert day_utc(WHEN.date()) == "2\u00a0March\u00a02019 UTC"


def test_a_moment_of_another_zone_is_written_in_utc() -> None:
    there = WHEN.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert there.day == 3
    assert moment(there) == moment(WHEN)


def test_the_year_is_left_out_while_it_is_this_one() -> None:
    now = datetime.now(UTC)
    words = moment(now).split(">")[1]
    assert str(now.year) not in words
    assert str(now.year - 2) in moment(now - timedelta(days=2 * 366)).split(">")[1]


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=0), "now"),
        (timedelta(hours=3, minutes=1), "3\u00a0hours ago"),
        (timedelta(days=15, hours=1), "2\u00a0weeks ago"),
    ],
)
def test_ago_counts_and_keeps_the_moment_on_hover(
    monkeypatch: pytest.MonkeyPatch, before: timedelta, words: str
) -> None:
    class Standing(datetime):
        """No second passes meanwhile, however busy the machine is."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return WHEN

    monkeypatch.setattr(humanize, "datetime", Standing)
    drawn = ago(WHEN - before)
    assert drawn.split(">")[1] == f"{words}</time"
    assert "UTC" in drawn
    assert 'data-moment="ago"' in drawn
