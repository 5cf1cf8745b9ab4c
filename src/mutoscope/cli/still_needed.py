"""What a restored site still lacks: keys and memories that are in no backup, on purpose, and have to come from the old home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mutoscope.cli.belongings import is_there

CHAIN = "chain"


def still_needed(home: Path) -> Iterator[str]:
    """A sentence for each thing that is really missing here, once the database is restored and migrated."""
    from django.conf import settings

    yield from _video_key()
    yield from _signer(settings.SOLANA_SIGNER_CONFIGURATION, is_production=not settings.SANDBOX)
    if settings.SANDBOX and not (home / CHAIN).is_dir() and _has_payments():
        yield (
            f"STILL NEEDED: the sandbox chain, the folder {CHAIN} of the old home. Without it a new chain begins, on which "
            "nothing was ever paid."
        )


def _video_key() -> Iterator[str]:
    from mutoscope.platform.videos.keys import KeyDoesNotOpen, open_key
    from mutoscope.platform.videos.models import KeyPeriod

    newest = KeyPeriod.objects.select_related("edition").order_by("-pk").first()
    if newest is None:
        return
    try:
        open_key(newest)
    except KeyDoesNotOpen:
        yield (
            "STILL NEEDED: the video key. No film of the backup can be played under the one here. Set MUTOSCOPE_VIDEO_KEY "
            "to the old one (in the sandbox it is the file secrets/video_key of the old home), or name it in "
            "MUTOSCOPE_VIDEO_KEY_FALLBACKS."
        )


def _signer(file: Path, *, is_production: bool) -> Iterator[str]:
    """The signer's own files may lie on another machine, or where only its user may look: then that is said."""
    from mutoscope.engines.solana.keys import Envelope
    from mutoscope.engines.solana.models import SealedSeed
    from mutoscope.engines.solana.signer.configuration import ConfigurationRefused, read_configuration
    from mutoscope.engines.solana.signer.journal import FILE

    sealed_by = {Envelope.from_json(row.envelope).kek for row in SealedSeed.objects.all()}
    if not sealed_by:
        return
    if not is_there(file):
        unless = ", unless they are on the machine that the signer runs on" if is_production else ""
        yield (
            f"STILL NEEDED{unless}: the signer's configuration ({file}), its key-encryption key (kek) and its journal (state). "
            "Without them nothing is swept, refunded or paid out. docs/keys.md says where they lie."
        )
        return
    try:
        configured = read_configuration(file)
        has_journal = is_there(configured.state / FILE)
    except ConfigurationRefused as error:
        yield f"The signer's key-encryption key and journal have to be the old ones. They could not be looked at: {error}"
        return
    yield from _key_encryption_key(configured.key_encryption_keys, sealed_by)
    if not has_journal:
        yield (
            f"STILL NEEDED: the signer's journal, {FILE} in {configured.state}. It remembers what was signed after the "
            "backup: without it look on chain for what was paid before the signer is started (docs/keys.md)."
        )


def _key_encryption_key(addresses: tuple[str, ...], sealed_by: set[str]) -> Iterator[str]:
    from mutoscope.engines.solana.keys import KeySourceRefused, key_source

    at_hand, problems, unseen = set(), [], []
    for address in addresses:
        scheme, _, file = address.partition(":")
        # A systemd credential is there for the signer's unit alone, and a file may be for its user alone.
        if scheme != "file" or (is_there(Path(file)) and not os.access(file, os.R_OK)):
            unseen.append(address)
            continue
        try:
            at_hand.add(key_source(address).key_id())
        except KeySourceRefused as error:
            problems.append(str(error))
    lacking = ", ".join(sorted(sealed_by - at_hand))
    if lacking and unseen:
        yield f"The signer's key-encryption key has to be the old one, {lacking}. {', '.join(unseen)} could not be looked at from here."
    elif lacking:
        why = " ".join(problems) or "The one here opens none of the money in one-time wallets."
        yield f"STILL NEEDED: the signer's key-encryption key (kek) that sealed its seeds, {lacking}. {why}"


def _has_payments() -> bool:
    from mutoscope.engines.solana.payments.swapped import payment_model

    return bool(payment_model().objects.exists())
