"""Why there is no next number."""

from __future__ import annotations


class SequenceUnavailable(Exception):
    """The block is used up and the database does not answer. Nothing is lost: ask again when it is back."""


class SequenceExhausted(Exception):
    """The sequence has reached its upper bound."""


class SequenceDiffers(Exception):
    """The database knows this sequence with another start, increment or upper bound than the code asks for."""


class RestoredDatabase(Exception):
    """This is not the server, history or database that the sequence was last leased from.

    A backup was restored, a replica promoted, or the database copied. Numbers handed out before may be unknown here. Run
    `manage.py sequences skip-ahead NAME`, with a distance beyond whatever was handed out since the backup.
    """
