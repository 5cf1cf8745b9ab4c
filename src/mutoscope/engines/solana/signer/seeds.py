"""Sealed seeds in the database: making, rotating, and the wallets derived from them. Only the signer's role may read the table."""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models.functions import Now

from mutoscope.engines.solana.keys import WALLET_INDEX_MAX, Envelope, Label, Secret, rewrap, seal
from mutoscope.engines.solana.signer.journal import Journal
from mutoscope.engines.solana.signer.models import SealedSeed
from mutoscope.engines.solana.signer.vault import KeyName, KeyRing, VaultRefused, derive_addresses, in_child
from mutoscope.engines.solana.wallets.pool import add_to_pool, pool_status, withdraw_before

WALLETS, OPERATOR = "wallets", "operator"
SEED_BYTES = 32
FEE_ACCOUNT, PAYOUT_ACCOUNT = 0, 1
DERIVED_AT_ONCE = 500


class SeedsRefused(Exception):
    """A command about seeds that cannot be carried out. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator's own two accounts: one pays fees and rent, the other pays out."""

    fee: KeyName
    payout: KeyName


class Seeds:
    """The sealed seeds of one database."""

    def __init__(self, ring: KeyRing, journal: Journal, using: str = DEFAULT_DB_ALIAS) -> None:
        self.ring = ring
        self.journal = journal
        self.using = using

    def initialize(self) -> None:
        """Make the first seed of each purpose. Raises SeedsRefused when there is one already."""
        with transaction.atomic(using=self.using):
            if SealedSeed.objects.using(self.using).exists():
                raise SeedsRefused("There are seeds already. `rotate-seed` begins a new epoch of the wallets' one.")
            for purpose in (WALLETS, OPERATOR):
                self._store(self._new_envelope(purpose, epoch=1))

    def is_initialized(self) -> bool:
        """Whether there is a seed."""
        return SealedSeed.objects.using(self.using).exists()

    def current(self, purpose: str) -> SealedSeed:
        """The seed that new keys come from. Raises SeedsRefused."""
        found = SealedSeed.objects.using(self.using).filter(purpose=purpose, retired_at=None).first()
        if found is None:
            raise SeedsRefused("There is no seed yet: the signer's action `init` makes one.")
        return found

    def envelopes(self, places: set[tuple[str, int]]) -> dict[tuple[str, int], Envelope]:
        """The sealed seeds of these purposes and epochs. Raises SeedsRefused when one is missing."""
        rows = SealedSeed.objects.using(self.using).filter(epoch__in={epoch for _, epoch in places})
        found = {(row.purpose, row.epoch): Envelope.from_json(row.envelope) for row in rows}
        if missing := places - set(found):
            raise SeedsRefused(f"The seed of {missing} is not in the database: restore it from a backup of the seeds.")
        return {place: found[place] for place in places}

    def operator(self) -> Operator:
        """The operator's accounts."""
        row = self.current(OPERATOR)
        addresses = derive_addresses(self.ring, Envelope.from_json(row.envelope), [FEE_ACCOUNT, PAYOUT_ACCOUNT])
        fee, payout = (KeyName(OPERATOR, row.epoch, index, address) for index, address in addresses.items())
        return Operator(fee, payout)

    def fill_pool(self, target: int) -> int:
        """Derive until that many wallets are free, 500 at once; how many were added."""
        wanted = min(target - pool_status(using=self.using).free, DERIVED_AT_ONCE)
        return self._derive(wanted) if wanted > 0 else 0

    def fill_pool_by(self, count: int) -> None:
        """Derive that many more wallets."""
        while count > 0:
            count -= self._derive(min(count, DERIVED_AT_ONCE))

    def _derive(self, wanted: int) -> int:
        """An index is passed once, even over a restored database: the journal remembers it too."""
        with transaction.atomic(using=self.using):
            row = SealedSeed.objects.using(self.using).select_for_update().get(purpose=WALLETS, retired_at=None)
            first = max(row.next_index, self.journal.next_index(row.epoch))
            if first + wanted > WALLET_INDEX_MAX:
                raise SeedsRefused("This epoch has no index left: the signer's action `rotate-seed` begins the next.")
            indices = range(first, first + wanted)
            addresses = derive_addresses(self.ring, Envelope.from_json(row.envelope), indices)
            # Before the commit: should it fail, a few numbers are skipped, and none comes twice.
            self.journal.pass_index(row.epoch, first + wanted)
            add_to_pool(row.epoch, addresses, using=self.using)
            row.next_index = first + wanted
            row.save(update_fields=["next_index"])
        return wanted

    def rotate_seed(self) -> int:
        """Begin a new epoch: new wallets come from a new seed, unclaimed ones of the old are withdrawn. The old seed stays, to sweep

        what its wallets get. Returns the epoch.
        """
        with transaction.atomic(using=self.using):
            old = SealedSeed.objects.using(self.using).select_for_update().get(purpose=WALLETS, retired_at=None)
            old.retired_at = Now()
            old.save(update_fields=["retired_at"])
            epoch = max(old.epoch, self.journal.epoch()) + 1
            self._store(self._new_envelope(WALLETS, epoch))
            self.journal.pass_index(epoch, 0)
            withdraw_before(epoch, using=self.using)
        self.fill_pool(1)
        return epoch

    def rotate_kek(self) -> int:
        """Wrap every data key by the first key of the ring; how many changed. Seeds are not opened."""
        first = self.ring.first()
        changed = 0
        with transaction.atomic(using=self.using):
            for row in SealedSeed.objects.using(self.using).select_for_update().order_by("id"):
                envelope = Envelope.from_json(row.envelope)
                if envelope.kek == first.key_id():
                    continue
                self._replace(row, rewrap(envelope, self.ring.fitting(envelope), first))
                changed += 1
        return changed

    def rotate_data_keys(self) -> int:
        """Seal every seed anew, under a new data key and the next version; how many."""
        with transaction.atomic(using=self.using):
            rows = list(SealedSeed.objects.using(self.using).select_for_update().order_by("id"))
            for row in rows:
                old = Envelope.from_json(row.envelope)
                label = Label(old.label.purpose, old.label.epoch, old.label.version + 1)
                self._replace(row, self._resealed(old, label))
        return len(rows)

    def _new_envelope(self, purpose: str, epoch: int) -> Envelope:
        label = Label(purpose, epoch, 1)
        text = in_child(lambda: seal(Secret(os.urandom(SEED_BYTES)), label, self.ring.first()).as_json())
        return Envelope.from_json(text)

    def _resealed(self, old: Envelope, label: Label) -> Envelope:
        text = in_child(lambda: seal(self.ring.open(old), label, self.ring.first()).as_json())
        return Envelope.from_json(text)

    def _store(self, envelope: Envelope) -> None:
        SealedSeed.objects.using(self.using).create(
            purpose=envelope.label.purpose,
            epoch=envelope.label.epoch,
            version=envelope.label.version,
            kek=envelope.kek,
            envelope=envelope.as_json(),
        )

    def _replace(self, row: SealedSeed, envelope: Envelope) -> None:
        row.version, row.kek, row.envelope, row.sealed_at = (
            envelope.label.version,
            envelope.kek,
            envelope.as_json(),
            Now(),
        )
        row.save(update_fields=["version", "kek", "envelope", "sealed_at"])


__all__ = ["OPERATOR", "WALLETS", "Operator", "Seeds", "SeedsRefused", "VaultRefused"]
