"""A secret shows nothing of itself, whatever is done with it."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import pprint
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from django.core.serializers.json import DjangoJSONEncoder
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from mutoscope.engines.solana.keys import (
    Envelope,
    FileKey,
    Label,
    Node,
    Secret,
    derive,
    open_envelope,
    seal,
    write_new_key,
)
from mutoscope.web.observe.redaction import redact

CANARY = b"canary-0123456789-canary-9876543"


def shows_canary(text: str) -> bool:
    return CANARY.decode() in text or CANARY.hex() in text or str(list(CANARY))[1:-1] in text


@dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        lambda s: f"{s}",
        lambda s: f"{s!r:>50}",
        lambda s: f"{s:x}",
        lambda s: f"{s} {s!r}",
        pprint.pformat,
        lambda s: repr(Holder(s)),
        lambda s: repr(Node(s, s)),
        lambda s: repr([s, {"seed": s}]),
    ],
)
def test_printing_shows_stars(show: object) -> None:
    text = show(Secret(CANARY))  # type: ignore[operator]
    assert "***" in text
    assert not shows_canary(text)


@pytest.mark.parametrize(
    "take",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        lambda s: json.dumps({"a": s}, cls=DjangoJSONEncoder),
        bytes,
        vars,
        list,
        len,
        bool,
        hash,
        lambda s: s.__dict__,
        lambda s: b"" + s,
        lambda s: "" + s,
    ],
)
def test_every_other_way_out_is_refused(take: object) -> None:
    with pytest.raises((TypeError, AttributeError)) as caught:
        take(Secret(CANARY))  # type: ignore[operator]
    assert not shows_canary(str(caught.value))


def test_logs_show_stars() -> None:
    sink = io.StringIO()
    handler = logging.StreamHandler(sink)
    logger = logging.Logger("canary")
    logger.addHandler(handler)
    logger.error("the %s and %r", Secret(CANARY), {"deep": [Secret(CANARY)]})
    event = redact(None, "", {"thing": Secret(CANARY), "deep": {"other": [Secret(CANARY)]}})
    text = sink.getvalue() + str(structlog.processors.JSONRenderer()(None, "", event))
    assert "***" in text
    assert not shows_canary(text)


def _fail_while_sealing(secret: Secret) -> None:
    seal(secret, Label("wallets", 1, 1), FileKey(None))  # type: ignore[arg-type]


def _fail_while_opening(secret: Secret, envelope: Envelope, key: FileKey) -> None:
    again = open_envelope(envelope, key)
    derive(again, "m/not/a/path")


def test_tracebacks_with_locals_and_error_pages_show_nothing(tmp_path: object, rf: RequestFactory) -> None:
    key = write_new_key(tmp_path / "kek")  # type: ignore[operator]
    secret = Secret(CANARY)
    envelope = seal(secret, Label("wallets", 1, 1), key)
    shown = []
    failing: list[Callable[[], None]] = [
        lambda: _fail_while_sealing(secret),
        lambda: _fail_while_opening(secret, envelope, key),
    ]
    for fail in failing:
        try:
            fail()
        except (ValueError, TypeError, AttributeError):
            kind, error, frames = sys.exc_info()
        make: Any = ExceptionReporter
        report = make(rf.get("/"), kind, error, frames)
        pages = report.get_traceback_html() + report.get_traceback_text()
        with_locals = "".join(
            traceback.TracebackException(kind, error, frames, capture_locals=True).format()  # type: ignore[arg-type]
        )
        shown += [pages, with_locals]
    # Read only now, or it would be a local of this very function, which error pages show.
    kek_digits = key.path.read_text().strip()
    for text in shown:
        assert not shows_canary(text)
        assert kek_digits not in text


def test_equal_secrets_are_equal_and_wiped_ones_are_empty() -> None:
    secret = Secret(CANARY)
    assert secret == Secret(bytearray(CANARY))
    assert secret != Secret(b"other")
    assert secret != CANARY
    secret.wipe()
    assert secret.reveal() == b""
