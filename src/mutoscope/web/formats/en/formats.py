"""English. Django's own `Nov. 27, 2026, 6:09 p.m.` takes twice the width in a table, and is read twice."""

from __future__ import annotations

# Where a column is narrow the time goes below the day, and neither is taken apart.
DATE_FORMAT = "j\u00a0M\u00a0Y"
DATETIME_FORMAT = f"{DATE_FORMAT}, H:i"
TIME_FORMAT = "H:i"
