"""The months of videos_beat: made ahead, dropped when their time is over. Beats of a month without a partition go to the rest."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from django.db import connection, transaction
from psycopg import sql

MONTHS_AHEAD = 2
RETENTION_MONTHS = 14
LOCK_CLASS = 70_601


def keep_months(today: date) -> tuple[int, int]:
    """Make the partitions of this month and those to come, drop those past retention; how many of each.

    A month whose first beats went to the rest keeps them there: the rest is emptied of what is past retention as well.
    """
    made = dropped = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK_CLASS])
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'videos_beat'::regclass"
        )
        existing = {name for (name,) in cursor.fetchall()}
        for ahead in range(MONTHS_AHEAD + 1):
            month, after = _month(today, ahead), _month(today, ahead + 1)
            cursor.execute("SELECT EXISTS (SELECT 1 FROM videos_beat_rest WHERE at >= %s AND at < %s)", [month, after])
            row = cursor.fetchone()
            if _name(month) in existing or (row is not None and row[0]):
                continue
            cursor.execute(
                sql.SQL("CREATE TABLE {} PARTITION OF videos_beat FOR VALUES FROM ({}) TO ({})").format(
                    sql.Identifier(_name(month)), sql.Literal(month), sql.Literal(after)
                )
            )
            made += 1
        oldest = _month(today, -RETENTION_MONTHS)
        for name in sorted(existing):
            if (month_of := _parse(name)) is not None and month_of < oldest:
                cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                dropped += 1
        cursor.execute("DELETE FROM videos_beat_rest WHERE at < %s", [oldest])
    return made, dropped


def _month(today: date, ahead: int) -> datetime:
    """The first moment of the month that lies so many months after this one."""
    months = today.year * 12 + today.month - 1 + ahead
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def _name(month: datetime) -> str:
    return f"videos_beat_{month:%Y%m}"


def _parse(name: str) -> datetime | None:
    found = re.fullmatch(r"videos_beat_(\d{4})(\d{2})", name)
    return None if found is None else datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
