"""What the sandbox's signer is told when an earlier version made its configuration."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mutoscope.cli.signer import PLAY_HEAD, PLAY_SWITCHES, prepare_play

WALLET = """rpc = ["http://127.0.0.1:1"]
state = "/somewhere"

[[token]]
name = "SOL"
"""


def after_preparing(settings: object, folder: Path, text: str) -> str:
    file = folder / "signer.toml"
    file.write_text(text)
    settings.SOLANA_SIGNER_CONFIGURATION = file  # type: ignore[attr-defined]
    prepare_play()
    return file.read_text()


def test_switches_that_came_since_are_written_into_a_sandbox(settings: object, tmp_path: Path) -> None:
    written = after_preparing(settings, tmp_path, f"{PLAY_HEAD}\n{WALLET}")
    assert tomllib.loads(written) == PLAY_SWITCHES | tomllib.loads(WALLET)
    assert after_preparing(settings, tmp_path, written) == written


def test_a_switch_that_somebody_set_stays(settings: object, tmp_path: Path) -> None:
    written = after_preparing(settings, tmp_path, f"{PLAY_HEAD}\nrefund_elsewhere = false\n{WALLET}")
    assert tomllib.loads(written)["refund_elsewhere"] is False


@pytest.mark.parametrize("text", ["", WALLET, f"# Mine.\n{WALLET}", f"{PLAY_HEAD}\nrpc = [\n"])
def test_what_is_not_the_sandboxs_own_or_cannot_be_read_is_left_alone(
    settings: object, tmp_path: Path, text: str
) -> None:
    assert after_preparing(settings, tmp_path, text) == text
