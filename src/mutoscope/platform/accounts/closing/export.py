"""Everything about a person in one file of JSON, written row by row: however much there is, little of it is in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from mutoscope.platform.accounts.closing.own import Accounts
from mutoscope.platform.accounts.closing.ports import Section, holders
from mutoscope.platform.accounts.models import Person

# What is larger than this waits on disk, and not in memory.
IN_MEMORY_BYTES = 1024 * 1024
ROWS_AT_ONCE = 1000


def everything_about(person: Person) -> IO[bytes]:
    """The whole file, at its beginning. It is whole before it is sent: an error is an error, and no file that ends too soon."""
    file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - closed with the answer
    try:
        # Rows are read by cursors, which end with their transaction: so they may go through a pooler.
        with transaction.atomic():
            for part in as_json(person):
                file.write(part.encode())
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def as_json(person: Person) -> Iterator[str]:
    """The parts of one object: a list of rows under the name of each section."""
    yield f'{{"site": {_json(settings.SITE_URL)}, "made_at": {_json(timezone.now())}'
    for holder in (Accounts(), *holders.get()):
        for section in holder.sections(person):
            yield from _section(section)
    yield "}\n"


def _section(section: Section) -> Iterator[str]:
    name, rows = section
    read = rows.iterator(ROWS_AT_ONCE) if isinstance(rows, QuerySet) else rows
    yield f",\n{_json(name)}: ["
    before = "\n"
    for row in read:
        yield f"{before}{_json(row)}"
        before = ",\n"
    yield "]"


def _json(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
