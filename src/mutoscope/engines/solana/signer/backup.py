"""A backup of the seeds: the same envelopes, their data keys wrapped by a key that lies elsewhere. And the drill that shows that it works."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from mutoscope.engines.solana.keys import Envelope, KeyEncryption, rewrap
from mutoscope.engines.solana.signer.models import SealedSeed
from mutoscope.engines.solana.signer.seeds import OPERATOR, WALLETS, Seeds, SeedsRefused
from mutoscope.engines.solana.signer.vault import KeyRing, derive_addresses
from mutoscope.engines.solana.wallets.models import Wallet

FORMAT = 1
CHECKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill found for one seed: how many of its wallets' addresses came out of the backup as they are in the database."""

    purpose: str
    epoch: int
    checked: int
    different: int


def write_backup(file: Path, seeds: Seeds, recovery: KeyEncryption) -> int:
    """Write every seed of the database, wrapped by the recovery key, into a new file; how many. Raises FileExistsError."""
    rows = list(SealedSeed.objects.using(seeds.using).order_by("purpose", "epoch"))
    if not rows:
        raise SeedsRefused("There is nothing to back up: the signer's action `init` makes the first seeds.")
    entries = []
    for row in rows:
        envelope = Envelope.from_json(row.envelope)
        kept = rewrap(envelope, seeds.ring.fitting(envelope), recovery)
        passed = max(row.next_index, seeds.journal.next_index(row.epoch) if row.purpose == WALLETS else 0)
        entries.append({"envelope": kept.as_json(), "next_index": passed, "retired": row.retired_at is not None})
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as target:
        json.dump({"mutoscope": "seeds", "format": FORMAT, "seeds": entries}, target, indent=1)
        target.flush()
        os.fsync(target.fileno())
    return len(entries)


def drill(file: Path, recovery: KeyRing, *, using: str = DEFAULT_DB_ALIAS) -> list[Drilled]:
    """Open the backup and derive every wallet of the database from it, changing nothing. Raises VaultRefused, SeedsRefused.

    A seed that the database has and the backup has not counts all its wallets as different.
    """
    backed = {(envelope.label.purpose, envelope.label.epoch): envelope for envelope, _, _ in _read(file)}
    found = []
    for row in SealedSeed.objects.using(using).order_by("purpose", "epoch"):
        envelope = backed.get((row.purpose, row.epoch))
        if row.purpose == OPERATOR:
            if envelope is not None:
                derive_addresses(recovery, envelope, [0])
            found.append(Drilled(row.purpose, row.epoch, 1, int(envelope is None)))
            continue
        checked = different = 0
        for known in _addresses(row.epoch, using):
            derived = derive_addresses(recovery, envelope, list(known)) if envelope is not None else {}
            checked += len(known)
            different += sum(derived.get(index) != address for index, address in known.items())
        found.append(Drilled(row.purpose, row.epoch, checked, different))
    return found


def restore(file: Path, seeds: Seeds, recovery: KeyRing) -> int:
    """Put the seeds that the database lacks back into it, wrapped by the first key of the ring; how many.

    Raises SeedsRefused when the database has another seed in the place of one of them.
    """
    first = seeds.ring.first()
    restored = 0
    with transaction.atomic(using=seeds.using):
        for envelope, next_index, retired in _read(file):
            label = envelope.label
            row = SealedSeed.objects.using(seeds.using).filter(purpose=label.purpose, epoch=label.epoch).first()
            if row is not None:
                ours, theirs = Envelope.from_json(row.envelope), envelope
                mine = derive_addresses(seeds.ring, ours, [0])
                if mine != derive_addresses(recovery, theirs, [0]):
                    raise SeedsRefused(
                        f"The database has another seed of {label.purpose} epoch {label.epoch}. Nothing was changed."
                    )
                continue
            wrapped = rewrap(envelope, recovery.fitting(envelope), first)
            made = SealedSeed.objects.using(seeds.using).create(
                purpose=label.purpose,
                epoch=label.epoch,
                version=label.version,
                kek=wrapped.kek,
                envelope=wrapped.as_json(),
                next_index=next_index,
                retired_at=timezone.now() if retired else None,
            )
            if made.purpose == WALLETS:
                seeds.journal.pass_index(made.epoch, next_index)
            restored += 1
    return restored


def _addresses(epoch: int, using: str) -> Iterator[dict[int, str]]:
    """Index and address of an epoch's wallets, some hundreds at a time."""
    last = -1
    while True:
        rows = (
            Wallet.objects.using(using)
            .filter(epoch=epoch, index__gt=last)
            .order_by("index")
            .values_list("index", "address")[:CHECKED_AT_ONCE]
        )
        known = dict(rows)
        if not known:
            return
        last = max(known)
        yield known


def _read(file: Path) -> list[tuple[Envelope, int, bool]]:
    try:
        read = json.loads(file.read_text())
        if read["mutoscope"] != "seeds" or read["format"] != FORMAT:
            raise SeedsRefused(f"{file} is not a backup of seeds that this release knows.")
        return [
            (Envelope.from_json(each["envelope"]), int(each["next_index"]), bool(each["retired"]))
            for each in read["seeds"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SeedsRefused(f"{file} is not a backup of seeds: {error}") from None
