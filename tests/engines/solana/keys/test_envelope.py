"""Sealing at two levels: nothing opens with another key, another label, or one bit changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mutoscope.engines.solana.keys import (
    CannotOpen,
    Envelope,
    FileKey,
    KeyEncryption,
    KeySourceRefused,
    Label,
    Secret,
    key_source,
    open_envelope,
    register_key_service,
    rewrap,
    seal,
    write_new_key,
)

SEED = bytes(range(32))
LABEL = Label("wallets", 3, 2)


@pytest.fixture
def kek(tmp_path: Path) -> FileKey:
    return write_new_key(tmp_path / "kek")


def test_what_was_sealed_opens_again_also_from_text(kek: FileKey) -> None:
    envelope = seal(Secret(SEED), LABEL, kek)
    assert open_envelope(Envelope.from_json(envelope.as_json()), kek) == Secret(SEED)
    assert SEED.hex() not in envelope.as_json()


def test_another_key_does_not_open_it(kek: FileKey, tmp_path: Path) -> None:
    other = write_new_key(tmp_path / "other")
    envelope = seal(Secret(SEED), LABEL, kek)
    with pytest.raises(CannotOpen):
        open_envelope(envelope, other)
    # Not even when it claims to be the right one.
    with pytest.raises(CannotOpen):
        open_envelope(replace(envelope, kek=other.key_id()), other)


@pytest.mark.parametrize("label", [Label("operator", 3, 2), Label("wallets", 4, 2), Label("wallets", 3, 1)])
def test_another_label_does_not_open_it(kek: FileKey, label: Label) -> None:
    """Purpose, epoch and version are bound: an old sealing cannot stand in for a new one."""
    with pytest.raises(CannotOpen):
        open_envelope(replace(seal(Secret(SEED), LABEL, kek), label=label), kek)


@pytest.mark.parametrize("part", ["wrapped_key", "nonce", "sealed"])
def test_one_changed_bit_does_not_open(kek: FileKey, part: str) -> None:
    envelope = seal(Secret(SEED), LABEL, kek)
    for place in range(len(getattr(envelope, part))):
        broken = bytearray(getattr(envelope, part))
        broken[place] ^= 1
        changed: dict[str, Any] = {part: bytes(broken)}
        with pytest.raises(CannotOpen):
            open_envelope(replace(envelope, **changed), kek)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": 2}', "not json"])
def test_text_that_is_no_envelope_is_refused(text: str) -> None:
    with pytest.raises(CannotOpen):
        Envelope.from_json(text)


def test_rewrapping_changes_the_key_and_not_the_sealing(kek: FileKey, tmp_path: Path) -> None:
    new = write_new_key(tmp_path / "new")
    before = seal(Secret(SEED), LABEL, kek)
    after = rewrap(before, kek, new)
    assert after.sealed == before.sealed
    assert open_envelope(after, new) == Secret(SEED)
    with pytest.raises(CannotOpen):
        open_envelope(after, kek)


def test_a_key_that_others_may_read_is_refused(kek: FileKey) -> None:
    for mode in (0o640, 0o604, 0o660):
        kek.path.chmod(mode)
        with pytest.raises(KeySourceRefused, match="chmod 600"):
            kek.key_id()


def test_a_key_file_is_never_overwritten_and_never_followed_through_a_link(kek: FileKey, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        write_new_key(kek.path)
    (tmp_path / "link").symlink_to(kek.path)
    with pytest.raises(KeySourceRefused):
        FileKey(tmp_path / "link").key_id()


@pytest.mark.parametrize("content", ["", "00" * 31, "zz" * 32, "00" * 33])
def test_a_file_that_holds_no_key_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wrong"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(KeySourceRefused) as caught:
        FileKey(path).key_id()
    assert not content or content not in str(caught.value)


def test_a_systemd_credential_is_a_key(kek: FileKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(kek.path.parent))
    envelope = seal(Secret(SEED), LABEL, key_source("credential:kek"))
    assert open_envelope(envelope, kek) == Secret(SEED)
    for name in ("../kek", ".kek"):
        with pytest.raises(KeySourceRefused):
            key_source(f"credential:{name}")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(KeySourceRefused, match="unit"):
        key_source("credential:kek")


class KeyService:
    """A key service in small: it wraps and unwraps, and its key is in no method's answer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._held: dict[bytes, tuple[bytes, bytes]] = {}

    def key_id(self) -> str:
        return f"service:{self.name}"

    def wrap(self, data_key: Secret, associated: bytes) -> bytes:
        ticket = os.urandom(16)
        self._held[ticket] = (data_key.reveal(), associated)
        return ticket

    def unwrap(self, wrapped: bytes, associated: bytes) -> Secret:
        key, bound = self._held.get(wrapped, (b"", b""))
        if not key or bound != associated:
            raise CannotOpen("no such key")
        return Secret(key)


def test_a_key_service_stands_in_for_a_file() -> None:
    services: dict[str, KeyEncryption] = {}
    opened: Callable[[str], KeyEncryption] = lambda name: services.setdefault(name, KeyService(name))  # noqa: E731
    register_key_service("testservice", opened)
    kek = key_source("testservice:one")
    assert open_envelope(seal(Secret(SEED), LABEL, kek), kek) == Secret(SEED)


@pytest.mark.parametrize("address", ["", "file", "file:", "carrier-pigeon:x"])
def test_an_address_of_no_key_is_refused(address: str) -> None:
    with pytest.raises(KeySourceRefused, match=r"file:\.\.\."):
        key_source(address)
