"""The pay panel in a real browser: no build step, a strict policy, and live."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.template import engines
from django.test import Client

from tests.engines.solana.merchants.site import PAGE
from tests.engines.solana.payments.shop import SOL, USDC, Shop

ROOT = Path(__file__).resolve().parents[4]


def test_it_works_without_a_script(selling: Shop, client: Client) -> None:
    payment = selling.offer({SOL: 500_000_000, USDC: 70_000_000})
    page = client.get(f"/page/{payment.public_id}/").content.decode()
    assert page.count("<svg") == 2
    assert page.count('href="solana:') == 4
    assert "0.5 SOL" in page
    assert "70 USDC" in page
    assert payment.recipient in page
    assert "style=" not in page
    assert "nonce" not in page


def test_after_a_part_has_arrived_it_asks_for_the_rest(selling: Shop, client: Client) -> None:
    payment = selling.offer({SOL: 500_000_000})
    selling.pay(payment, 200_000_000)
    selling.look()
    page = client.get(f"/page/{payment.public_id}/").content.decode()
    assert "Still missing: <strong>0.3 SOL" in page
    assert "?amount=0.3" in page
    assert "?amount=0.5" not in page


class Nonce:
    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "n0nce"


def test_its_script_carries_the_pages_nonce(selling: Shop, rf: Any) -> None:
    request: HttpRequest = rf.get("/")
    # As django-csp's: false until somebody has asked for it.
    request.csp_nonce = Nonce()  # type: ignore[attr-defined]
    payment = selling.offer({SOL: 500_000_000})
    page = engines["django"].from_string(PAGE).render({"payment": payment}, request)
    assert 'panel.js" defer nonce="n0nce"' in page


@pytest.mark.parametrize("name", ["panel.html", "panel.js", "panel.css"])
def test_javascript_missing_from_the_wheel(name: str, wheel: list[str]) -> None:
    assert [path for path in wheel if path.startswith("mutoscope/engines/solana/") and path.endswith(f"/{name}")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path).namelist()
