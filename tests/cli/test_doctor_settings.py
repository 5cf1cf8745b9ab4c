"""What the doctor finds when it looks at the files, keys and tokens that settings name."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone
from pytest_django import Settings

from mutoscope.cli.doctor import Health
from mutoscope.cli.doctor_settings import bucket, django_checks, rates_file, signer_files, tokens
from mutoscope.engines.solana.keys import write_new_key
from mutoscope.engines.solana.payments.domain.addresses import TOKEN_PROGRAM
from mutoscope.engines.solana.public import token_model
from mutoscope.web.environment import Environment, Mode

USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


def given(**values: Any) -> Environment:
    return Environment.model_construct(**{"mode": Mode.PRODUCTION, **values})


def test_a_bucket_without_both_keys_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    assert list(bucket(given())) == []
    films = given(s3_bucket="films-example-org")
    (neither,) = bucket(films)
    assert neither.health is Health.WARNING
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "name")
    (half,) = bucket(films)
    assert half.health is Health.BAD
    assert "AWS_SECRET_ACCESS_KEY is not set" in half.detail
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    (both,) = bucket(films)
    assert both.health is Health.GOOD
    assert "canary" not in str(both)


def test_the_file_of_rates_is_read_as_a_quote_reads_it(tmp_path: Path) -> None:
    signer = Ed25519PrivateKey.generate()
    key = base64.b64encode(signer.public_key().public_bytes_raw()).decode()
    file = tmp_path / "rates"
    assert list(rates_file(given())) == []
    (unsigned,) = rates_file(given(rates_file=file))
    assert "without MUTOSCOPE_RATES_KEY" in unsigned.detail
    both = given(rates_file=file, rates_key=key)
    (missing,) = rates_file(both)
    assert (missing.health, missing.detail) == (Health.BAD, f"{file}: No such file or directory")
    content = json.dumps({"at": timezone.now().isoformat(), "usd": {"USDC": "1", "SOL": "150"}}).encode()
    file.write_bytes(base64.b64encode(signer.sign(content)) + b"\n" + content)
    (good,) = rates_file(both)
    assert (good.health, good.detail) == (Health.GOOD, f"{file}, signed and fresh: SOL, USDC")
    file.write_bytes(base64.b64encode(signer.sign(content)) + b"\n" + content.replace(b"150", b"999"))
    (forged,) = rates_file(both)
    assert "cannot be trusted" in forged.detail


def test_the_signers_files_are_looked_at(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "signer.toml"
    settings.SOLANA_SIGNER_CONFIGURATION = file
    (missing,) = signer_files(given(signer_config=file))
    assert (missing.health, str(file) in missing.detail) == (Health.BAD, True)
    (elsewhere,) = signer_files(given())
    assert elsewhere.health is Health.WARNING
    (fresh,) = signer_files(given(mode=Mode.SANDBOX))
    assert fresh.health is Health.GOOD

    file.write_text("rpc = 3")
    file.chmod(0o600)
    (wrong,) = signer_files(given())
    assert (wrong.health, "'rpc'" in wrong.detail) == (Health.BAD, True)
    kek = tmp_path / "kek"
    file.write_text(f'rpc = ["https://rpc.example.com"]\nkey_encryption_keys = ["file:{kek}"]\nstate = "{tmp_path}"\n')
    assert [finding.health for finding in signer_files(given())] == [Health.GOOD, Health.BAD]
    write_new_key(kek)
    assert [finding.health for finding in signer_files(given())] == [Health.GOOD, Health.GOOD]
    kek.chmod(0o644)
    open_to_others = list(signer_files(given()))[1]
    assert (open_to_others.health, "chmod 600" in open_to_others.detail) == (Health.BAD, True)


@pytest.mark.django_db
def test_a_payout_token_that_the_site_does_not_accept_is_told(settings: Settings) -> None:
    settings.TOP_UPS = {**settings.TOP_UPS, "RATES_FIXED": {"USDC": "1"}}
    (none,) = tokens(given())
    assert "accepts no token" in none.detail
    token_model().objects.create(mint=USDC, symbol="USDC", decimals=6, program=TOKEN_PROGRAM)
    (good,) = tokens(given(payout_token="USDC"))
    assert (good.health, good.detail) == (Health.GOOD, "known for USDC")
    doge, _ = tokens(given(payout_token="DOGE"))
    assert doge.health is Health.BAD
    assert doge.detail == "MUTOSCOPE_PAYOUT_TOKEN is DOGE, and the site accepts USDC"
    assert len(list(tokens(given(payout_token="DOGE", payout_by="hand")))) == 1
    settings.TOP_UPS = {**settings.TOP_UPS, "RATES_FIXED": {"SOL": "150"}, "RATES_FILE": None, "RATES_URL": None}
    (without,) = tokens(given(payout_token="USDC"))
    assert "nothing can be bought with USDC" in without.detail


def test_djangos_checks_are_among_the_findings(settings: Settings) -> None:
    (fine,) = django_checks(given(mode=Mode.SANDBOX))
    assert fine.health is Health.GOOD
    settings.MUTOSCOPE_SOLANA = {**settings.MUTOSCOPE_SOLANA, "RECEIVE_BY": "pigeon"}
    (wrong,) = django_checks(given(mode=Mode.SANDBOX))
    assert (wrong.check, wrong.health) == ("check mutoscope_solana.E006", Health.BAD)
