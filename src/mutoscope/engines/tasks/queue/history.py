"""The days of tasks_finished: made ahead, dropped when their time is over."""

from __future__ import annotations

import logging
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from mutoscope.engines.tasks.statements import statements

SQL = statements(Path(__file__).parent / "worker" / "keeping.sql")

DAYS_AHEAD = 3

logger = logging.getLogger("mutoscope.tasks")


def keep_days(connection: psycopg.Connection[tuple[Any, ...]], today: date, retention_days: int) -> tuple[int, int]:
    """Make the partitions of today and the days to come, drop those past retention; how many of each.

    For one caller at a time; in the caller's transaction. Dropping a partition takes an exclusive lock on the history for
    a moment and reads none of it.
    """
    existing = {row[0] for row in connection.execute(SQL["partitions"]).fetchall()}
    made = 0
    for ahead in range(DAYS_AHEAD + 1):
        day = today + timedelta(days=ahead)
        if _name(day) in existing:
            continue
        row = connection.execute(
            SQL["rest_has_day"], {"since": _start(day), "until": _start(day + timedelta(days=1))}
        ).fetchone()
        if row is not None and row[0]:
            # Those rows stay in the partition for the rest until retention takes them.
            continue
        connection.execute(
            sql.SQL("CREATE TABLE {} PARTITION OF tasks_finished FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(_name(day)), _start(day).isoformat(), _start(day + timedelta(days=1)).isoformat()
            )
        )
        made += 1
    oldest = today - timedelta(days=retention_days)
    dropped = 0
    for name in existing:
        day_of = _day(name)
        if day_of is not None and day_of < oldest:
            connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
            dropped += 1
    connection.execute(SQL["prune_rest"], {"days": retention_days})
    if made or dropped:
        logger.info("History: %s days made, %s dropped", made, dropped, extra={"action": "history_kept"})
    return made, dropped


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _name(day: date) -> str:
    return f"tasks_finished_{day:%Y%m%d}"


def _day(name: str) -> date | None:
    found = re.fullmatch(r"tasks_finished_(\d{8})", name)
    return None if found is None else datetime.strptime(found[1], "%Y%m%d").date()  # noqa: DTZ007 - a date, not a time
