"""Send what waits in the table of mail.

At least once: a worker that dies between the server's "250 OK" and its own note leaves a mail that is sent again, with
the same Message-ID. No row is locked and no transaction is open while a mail server is spoken to.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from mutoscope.platform.support.mail.smtp import NotNow, Refused, SmtpServer

ATTEMPTS_MAX = 12
BACKOFF_FIRST_S = 30.0
BACKOFF_MAX_S = 6 * 3600.0
LEASE_S = 300.0
# Nothing new is begun this long before the lease ends: one exchange with a slow server may take that long.
LEASE_MARGIN_S = 120.0
BATCH_MAX = 100


@dataclass(frozen=True)
class Leased:
    id: int
    sender: str
    recipients: list[str]
    message: bytes
    attempt: int


def deliver_waiting(limit: int = BATCH_MAX) -> int:
    """Send up to `limit` mails that are due; returns how many left. Without MUTOSCOPE_MAIL_URL nothing leaves.

    Call it outside a transaction, as often as wanted, from as many processes as wanted.
    """
    if settings.MAIL_URL is None:
        return 0
    if connection.in_atomic_block:
        raise RuntimeError("deliver_waiting() must not run in a transaction: it would hold locks while it talks SMTP")
    server = SmtpServer.from_url(settings.MAIL_URL.get_secret_value())
    _run("bury", {"attempts_max": ATTEMPTS_MAX})
    batch = _lease(min(limit, BATCH_MAX))
    if not batch:
        return 0
    return _send(server, batch)


def backoff_s(attempt: int) -> float:
    """Seconds to wait after the given attempt (1, 2, ...) failed: doubling from half a minute, capped at six hours."""
    return float(min(BACKOFF_FIRST_S * 2 ** (attempt - 1), BACKOFF_MAX_S))


def _send(server: SmtpServer, batch: list[Leased]) -> int:
    began = time.monotonic()
    sent = 0
    tried = 0
    try:
        with server.connection() as smtp:
            for mail in batch:
                if time.monotonic() - began > LEASE_S - LEASE_MARGIN_S:
                    break
                tried += 1
                try:
                    smtp.send(mail.sender, mail.recipients, mail.message)
                except Refused as refusal:
                    _run("mark_dead", {"id": mail.id, "error": str(refusal)})
                except NotNow as problem:
                    _postpone(mail, problem)
                else:
                    _run("mark_sent", {"id": mail.id})
                    sent += 1
    except NotNow as problem:
        for mail in batch[tried:]:
            _postpone(mail, problem)
        tried = len(batch)
    if tried < len(batch):
        _run("give_back", {"ids": [mail.id for mail in batch[tried:]]})
    return sent


def _postpone(mail: Leased, problem: NotNow) -> None:
    if mail.attempt >= ATTEMPTS_MAX:
        _run("mark_dead", {"id": mail.id, "error": str(problem)})
        return
    # Spread by a fifth, so that a mail server that comes back is not met by everything at once.
    delay_s = backoff_s(mail.attempt) * random.uniform(0.8, 1.2)  # noqa: S311
    _run("postpone", {"id": mail.id, "delay_s": delay_s, "error": str(problem)})


def _lease(limit: int) -> list[Leased]:
    with connection.cursor() as cursor:
        cursor.execute(_queries()["lease"], {"limit": limit, "lease_s": LEASE_S, "attempts_max": ATTEMPTS_MAX})
        return sorted(
            (
                Leased(id_, sender, recipients, bytes(message), attempt)
                for id_, sender, recipients, message, attempt in cursor
            ),
            key=lambda mail: mail.id,
        )


def _run(name: str, parameters: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_queries()[name], parameters)


@cache
def _queries() -> dict[str, str]:
    """The named statements of queries.sql."""
    text = Path(__file__).with_name("queries.sql").read_text()
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
