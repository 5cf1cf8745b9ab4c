"""Where rates come from: fixed ones, a file that somebody signs, an address that is asked. Each refuses what is too old.

The file and the address hold the same: `{"at": "2026-01-31T12:00:00Z", "usd": {"SOL": "151.20", "USDC": "1"}}`. In the file,
a first line stands before it: the Ed25519 signature, in base64, of every byte after that line.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.core.signals import setting_changed
from django.utils import timezone

from mutoscope.platform.billing.topup.ports import NoRate, Rate, Rates

BYTES_MAX = 64 * 1024
TIMEOUT_S = 3.0
# How long an answer is kept before the address is asked again. Its own moment still counts.
KEPT_S = 10.0
# A source's clock may go a little ahead of ours.
AHEAD_S_MAX = 60
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,18})?")


class FixedRates:
    """What does not move: dollars by symbol, as texts."""

    def __init__(self, usd: Mapping[str, str]) -> None:
        self._usd = dict(usd)

    def rate(self, symbol: str, /) -> Rate:
        return _rate(self._usd, symbol)


class FileRates:
    """A signed file, read for each quote: whoever writes it replaces it whole."""

    def __init__(self, path: Path, key: str, age_s_max: int) -> None:
        self._path, self._key, self._age_s_max = path, key, age_s_max

    def rate(self, symbol: str, /) -> Rate:
        return _rate(self.read(), symbol)

    def read(self) -> Mapping[str, Any]:
        """Everything that is in the file, signed and fresh. Raises NoRate."""
        try:
            with self._path.open("rb") as file:
                signature, _, signed = file.read(BYTES_MAX + 1).partition(b"\n")
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self._key, validate=True))
            key.verify(base64.b64decode(signature.strip(), validate=True), signed)
        except (OSError, ValueError, InvalidSignature) as problem:
            raise NoRate(f"the file of rates cannot be trusted: {type(problem).__name__}") from problem
        return _fresh(signed, self._age_s_max)


class HttpRates:
    """An address, asked at most once in ten seconds by each process. Redirects are not followed."""

    def __init__(self, url: str, age_s_max: int) -> None:
        self._url, self._age_s_max = url, age_s_max
        self._lock = threading.Lock()
        self._content, self._asked_at = b"", -KEPT_S

    def rate(self, symbol: str, /) -> Rate:
        with self._lock:
            if time.monotonic() - self._asked_at >= KEPT_S:
                self._content, self._asked_at = self._ask(), time.monotonic()
            content = self._content
        return _rate(_fresh(content, self._age_s_max), symbol)

    def _ask(self) -> bytes:
        """What the address says; nothing where it does not answer in time, which is then not quoted for ten seconds."""
        content = b""
        until = time.monotonic() + TIMEOUT_S
        try:
            with httpx.stream("GET", self._url, timeout=TIMEOUT_S, follow_redirects=False) as answer:
                answer.raise_for_status()
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > BYTES_MAX or time.monotonic() > until:
                        return b""
        except (httpx.HTTPError, httpx.InvalidURL):
            return b""
        return content


class FirstOf:
    """Several sources: the first that knows the token."""

    def __init__(self, sources: Sequence[Rates]) -> None:
        self._sources = sources

    def rate(self, symbol: str, /) -> Rate:
        problem = NoRate(f"no source of rates knows {symbol}")
        for source in self._sources:
            try:
                return source.rate(symbol)
            except NoRate as error:
                problem = error
        raise problem


@cache
def configured_rates() -> Rates:
    """The sources that the settings name: fixed rates, else the file, else the address."""
    given = settings.TOP_UPS
    sources: list[Rates] = [FixedRates(given["RATES_FIXED"])]
    if given["RATES_FILE"] and given["RATES_KEY"]:
        sources.append(FileRates(Path(given["RATES_FILE"]), given["RATES_KEY"], given["RATES_AGE_S_MAX"]))
    elif given["RATES_URL"]:
        sources.append(HttpRates(given["RATES_URL"], given["RATES_AGE_S_MAX"]))
    return FirstOf(sources)


def _fresh(content: bytes, age_s_max: int) -> Mapping[str, Any]:
    """The rates in such a document. Raises NoRate where it is none, or too old."""
    try:
        document: Any = json.loads(content) if len(content) <= BYTES_MAX else None
        at, usd = datetime.fromisoformat(document["at"]), document["usd"]
        age_s = (timezone.now() - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds()
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, binascii.Error) as problem:
        raise NoRate("the source of rates says nothing that can be read") from problem
    if not isinstance(usd, dict):
        raise NoRate("the source of rates says nothing that can be read")
    if not -AHEAD_S_MAX <= age_s <= age_s_max:
        raise NoRate(f"the rates are {age_s:.0f} s old")
    return usd


def _rate(usd: Mapping[str, Any], symbol: str) -> Rate:
    text = usd.get(symbol)
    # Texts alone: a number in JSON is read as a float, and money is not.
    if not isinstance(text, str) or not _NUMBER.fullmatch(text) or not Fraction(text):
        raise NoRate(f"there is no rate for {symbol}")
    return Rate(Fraction(text), text)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "TOP_UPS":
        configured_rates.cache_clear()


setting_changed.connect(_forget, dispatch_uid="billing.topup.rates")
