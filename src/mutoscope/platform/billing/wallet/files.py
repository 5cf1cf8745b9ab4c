"""Statements as files, written while they are sent: no more of them is held than one page of lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.http import StreamingHttpResponse

from mutoscope.platform.billing.wallet.statement import HEAD, Line, as_row

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def sent_as_file(parts: Iterator[str], name: str, kind: str) -> StreamingHttpResponse:
    """The answer that is saved under this name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingHttpResponse(parts, content_type=TYPES[kind], headers=headers)


def as_csv(pages: Iterable[Sequence[Line]], above: Sequence[Sequence[object]] = ()) -> Iterator[str]:
    """Lines as CSV with their head, page by page; other rows may stand above it."""
    yield _rows([*above, HEAD])
    for page in pages:
        yield _rows([as_row(line) for line in page])


def as_json(document: Mapping[str, Any], pages: Iterable[Sequence[Line]]) -> Iterator[str]:
    """A document whose last member, after those given, is `lines`."""
    opened, _, closed = json.dumps({**document, "lines": []}).rpartition("]")
    yield opened
    between = ""
    for page in pages:
        for_this_page = [json.dumps(line.as_dict()) for line in page]
        if for_this_page:
            yield between + ", ".join(for_this_page)
            between = ", "
    yield f"]{closed}"


def _rows(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
