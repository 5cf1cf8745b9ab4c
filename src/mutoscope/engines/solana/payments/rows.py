"""Writing many rows back in one statement of one size: `bulk_update` writes a CASE for each row and column, which takes longer

to build and to plan than a hundred rows take to write.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, models
from django.db.models import Field


def update_rows(rows: Sequence[models.Model], columns: Sequence[str]) -> None:
    """Write these columns of rows that are there, as they stand in memory. The caller holds them locked, or owns them."""
    if not rows:
        return
    meta = rows[0]._meta
    assert isinstance(meta.pk, Field)
    fields: list[Field[object, object]] = [meta.pk, *(_field(meta, column) for column in columns)]
    quote = connection.ops.quote_name
    names = [quote(str(field.column)) for field in fields]
    types = [str(field.rel_db_type(connection) if field is meta.pk else field.db_type(connection)) for field in fields]
    values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows] for field in fields]
    statement = (
        f"UPDATE {quote(meta.db_table)} AS kept SET {', '.join(f'{name} = fresh.{name}' for name in names[1:])} "  # noqa: S608 - our own names
        f"FROM unnest({', '.join(f'%s::{kind}[]' for kind in types)}) AS fresh ({', '.join(names)}) "
        f"WHERE kept.{names[0]} = fresh.{names[0]}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _field(meta: models.options.Options[models.Model], name: str) -> Field[object, object]:
    field = meta.get_field(name)
    assert isinstance(field, Field)
    return field
