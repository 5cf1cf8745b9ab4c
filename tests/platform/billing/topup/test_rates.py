"""Rates: fixed, from a signed file, from an address; what is old, unsigned or unreadable is not quoted."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from mutoscope.platform.billing.topup.ports import NoRate
from mutoscope.platform.billing.topup.rates import FileRates, FirstOf, FixedRates, HttpRates

SIGNER = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(SIGNER.public_key().public_bytes_raw()).decode()
AGE_S_MAX = 300


def document(age_s: float = 0, **usd: object) -> bytes:
    return json.dumps({"at": (timezone.now() - timedelta(seconds=age_s)).isoformat(), "usd": usd}).encode()


def signed(path: Path, content: bytes, key: Ed25519PrivateKey = SIGNER) -> FileRates:
    path.write_bytes(base64.b64encode(key.sign(content)) + b"\n" + content)
    return FileRates(path, PUBLIC, AGE_S_MAX)


def test_a_fixed_rate_is_exact() -> None:
    assert FixedRates({"SOL": "151.21"}).rate("SOL").usd == Fraction(15121, 100)


@pytest.mark.parametrize("text", ["0", "0.0", "-1", "1e9", "nan", "", " 1", "1" * 13, "٣"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(NoRate):
        FixedRates({"SOL": text}).rate("SOL")


def test_a_signed_file_is_read(tmp_path: Path) -> None:
    assert signed(tmp_path / "rates", document(SOL="151.2")).rate("SOL").text == "151.2"


@pytest.mark.parametrize("age_s", [AGE_S_MAX + 60, -3600])
def test_an_old_file_or_one_from_the_future_is_not_quoted(tmp_path: Path, age_s: float) -> None:
    with pytest.raises(NoRate, match="old"):
        signed(tmp_path / "rates", document(age_s, SOL="151.2")).rate("SOL")


def test_a_file_signed_by_somebody_else_or_changed_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(NoRate, match="trusted"):
        signed(tmp_path / "rates", document(SOL="151.2"), Ed25519PrivateKey.generate()).rate("SOL")
    rates = signed(tmp_path / "rates", document(SOL="151.2"))
    (tmp_path / "rates").write_bytes((tmp_path / "rates").read_bytes().replace(b"151.2", b"999.9"))
    with pytest.raises(NoRate, match="trusted"):
        rates.rate("SOL")
    (tmp_path / "rates").unlink()
    with pytest.raises(NoRate, match="trusted"):
        rates.rate("SOL")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'{"at": 5, "usd": {}}', b'{"at": "2026", "usd": 1}'])
def test_a_file_that_says_nothing_is_not_quoted(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NoRate):
        signed(tmp_path / "rates", content).rate("SOL")


def test_a_number_is_not_taken_for_a_text(tmp_path: Path) -> None:
    with pytest.raises(NoRate):
        signed(tmp_path / "rates", document(SOL=151.2)).rate("SOL")


@pytest.fixture
def source() -> Iterator[HTTPServer]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/rates" else 500)
            self.end_headers()
            self.wfile.write(self.server.content)  # type: ignore[attr-defined]

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_address_is_asked_and_what_is_stale_refused(source: HTTPServer) -> None:
    at = f"http://127.0.0.1:{source.server_port}"
    source.content = document(SOL="150")  # type: ignore[attr-defined]
    assert HttpRates(f"{at}/rates", AGE_S_MAX).rate("SOL").text == "150"
    with pytest.raises(NoRate):
        HttpRates(f"{at}/gone", AGE_S_MAX).rate("SOL")
    source.content = document(3600, SOL="150")  # type: ignore[attr-defined]
    with pytest.raises(NoRate, match="old"):
        HttpRates(f"{at}/rates", AGE_S_MAX).rate("SOL")


def test_the_first_source_that_knows_a_token_says_it() -> None:
    rates = FirstOf([FixedRates({"USDC": "1"}), FixedRates({"USDC": "2", "SOL": "150"})])
    assert (rates.rate("USDC").text, rates.rate("SOL").text) == ("1", "150")
    with pytest.raises(NoRate):
        rates.rate("FEE")
