"""What a restored home is told about the signer's files, which may lie anywhere, or where nobody else may look."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from mutoscope.cli.still_needed import still_needed
from mutoscope.engines.solana.keys import write_new_key
from mutoscope.engines.solana.signer.journal import Journal
from mutoscope.engines.solana.signer.seeds import Seeds
from mutoscope.engines.solana.signer.vault import KeyRing

pytestmark = pytest.mark.django_db


@pytest.fixture
def configuration(tmp_path: Path, settings: Settings) -> Path:
    """A signer with seeds, whose configuration is not written yet."""
    write_new_key(tmp_path / "kek")
    Seeds(KeyRing((f"file:{tmp_path / 'kek'}",)), Journal(tmp_path / "state")).initialize()
    settings.SANDBOX = False
    settings.SOLANA_SIGNER_CONFIGURATION = tmp_path / "signer.toml"
    return tmp_path / "signer.toml"


def write(configuration: Path, key: str) -> None:
    state = configuration.parent / "state"
    configuration.write_text(f'rpc = ["https://rpc.example.com"]\nkey_encryption_keys = ["{key}"]\nstate = "{state}"\n')
    configuration.chmod(0o600)


def test_a_site_that_never_had_a_signer_lacks_nothing(tmp_path: Path, settings: Settings) -> None:
    settings.SOLANA_SIGNER_CONFIGURATION = tmp_path / "signer.toml"
    settings.SANDBOX = False
    assert list(still_needed(tmp_path)) == []


def test_without_a_configuration_all_of_it_is_asked_for(configuration: Path) -> None:
    (said,) = still_needed(configuration.parent)
    assert said.startswith("STILL NEEDED, unless they are on the machine that the signer runs on: ")


def test_the_key_that_sealed_the_seeds_and_the_journal_are_enough(configuration: Path) -> None:
    write(configuration, f"file:{configuration.parent / 'kek'}")
    assert list(still_needed(configuration.parent)) == []
    (configuration.parent / "state" / "journal.sqlite3").unlink()
    (said,) = still_needed(configuration.parent)
    assert "STILL NEEDED: the signer's journal" in said


def test_another_key_is_not_enough(configuration: Path) -> None:
    write_new_key(configuration.parent / "new")
    write(configuration, f"file:{configuration.parent / 'new'}")
    (said,) = still_needed(configuration.parent)
    assert "STILL NEEDED: the signer's key-encryption key" in said
    assert "opens none" in said


def test_a_credential_of_the_signers_unit_is_not_called_missing(configuration: Path) -> None:
    write(configuration, "credential:signer-kek")
    (said,) = still_needed(configuration.parent)
    assert "STILL NEEDED" not in said
    assert "credential:signer-kek could not be looked at from here" in said
