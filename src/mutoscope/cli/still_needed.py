"""What a restored site still lacks: keys and memories that are in no backup, on purpose, and have to come from the old home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CHAIN = "chain"


def still_needed(home: Path) -> Iterator[str]:
    """A sentence for each thing that is really missing here, once the database is restored and migrated."""
    from django.conf import settings

    yield from _video_key()
    yield from _signer(settings.SOLANA_SIGNER_CONFIGURATION)
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


def _signer(configuration: Path) -> Iterator[str]:
    """The signer's own files may lie where only its user looks. Then nothing can be said of them, and that is said."""
    from mutoscope.engines.solana.keys import Envelope, KeySourceRefused, key_source
    from mutoscope.engines.solana.models import SealedSeed
    from mutoscope.engines.solana.signer.configuration import ConfigurationRefused, read_configuration
    from mutoscope.engines.solana.signer.journal import FILE

    seeds = [Envelope.from_json(row.envelope) for row in SealedSeed.objects.all()]
    if not seeds:
        return
    what = "Without them nothing is swept, refunded or paid out. docs/keys.md says where they lie."
    try:
        if not configuration.exists():
            yield (
                f"STILL NEEDED: the signer's configuration ({configuration}), its key-encryption key (kek) and its journal "
                f"(state). {what}"
            )
            return
        configured = read_configuration(configuration)
        has_journal = (configured.state / FILE).exists()
    except (ConfigurationRefused, PermissionError) as error:
        yield f"The signer's configuration, kek and journal have to be those of the old home. They could not be looked at: {error}"
        return
    try:
        at_hand = {key_source(address).key_id() for address in configured.key_encryption_keys}
    except KeySourceRefused as error:
        yield f"STILL NEEDED: the signer's key-encryption key (kek). {error}"
    else:
        if lacking := {seed.kek for seed in seeds} - at_hand:
            yield (
                f"STILL NEEDED: the signer's key-encryption key (kek) that sealed its seeds, {', '.join(sorted(lacking))}. "
                "The one here opens none of the money in one-time wallets."
            )
    if not has_journal:
        yield (
            f"STILL NEEDED: the signer's journal, {FILE} in {configured.state}. It remembers what was signed after the "
            "backup: without it look on chain for what was paid before the signer is started (docs/keys.md)."
        )


def _has_payments() -> bool:
    from mutoscope.engines.solana.payments.swapped import payment_model

    return bool(payment_model().objects.exists())
