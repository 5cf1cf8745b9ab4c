"""Numbers: leased in blocks without a round trip, gapless where law asks, and encoded for the public. See docs/sequences.md."""

from __future__ import annotations

from mutoscope.engines.sequences.errors import (
    RestoredDatabase,
    SequenceDiffers,
    SequenceExhausted,
    SequenceUnavailable,
)
from mutoscope.engines.sequences.gapless import GaplessSequence
from mutoscope.engines.sequences.leased import LeasedSequence
from mutoscope.engines.sequences.public import PublicIds, random_id

__all__ = [
    "GaplessSequence",
    "LeasedSequence",
    "PublicIds",
    "RestoredDatabase",
    "SequenceDiffers",
    "SequenceExhausted",
    "SequenceUnavailable",
    "random_id",
]
