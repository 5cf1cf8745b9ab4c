"""Numbers without gaps, for what law wants to be consecutive."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connections

from mutoscope.engines.sequences.checking import check_name, series_text
from mutoscope.engines.sequences.queries import query


class GaplessSequence:
    """Consecutive numbers from 1 in each series, such as a year's invoices.

    A number belongs to the transaction that asked: rolled back, it is given to the next. Until it ends, others of the same series wait, so ask
    late, when the document is issued. Give a number only to what is never deleted.

        with transaction.atomic():
            number = GaplessSequence("invoices", series=2026).next()
    """

    def __init__(self, name: str, *, series: str | int = "", using: str = DEFAULT_DB_ALIAS) -> None:
        check_name("name", name)
        self.name = name
        self.series = series_text(series)
        self.using = using

    def next(self) -> int:
        """The next number. Must be called inside a transaction, or there would be nothing to give it back by."""
        connection = connections[self.using]
        if not connection.in_atomic_block:
            raise RuntimeError(
                f"A number of {self.name!r} belongs to the transaction that uses it: call next() inside transaction.atomic()."
            )
        with connection.cursor() as cursor:
            cursor.execute(query("gapless"), {"name": self.name, "series": self.series})
            return int(cursor.fetchone()[0])
