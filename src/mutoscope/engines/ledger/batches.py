"""Many transfers at once: laid flat, and each that is asked for twice asked once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mutoscope.engines.ledger.checking import metadata_text
from mutoscope.engines.ledger.transfers import Receipt, Transfer, in_order
from mutoscope.engines.services import Failure

Outcome = Receipt | Failure


@dataclass
class Batch:
    """Transfers in the order given, tuples laid flat, each with the number of its tuple (`links`), or None for one alone.

    `first_of` says, by place, which earlier place asked for the same transfer: the same key with the same content.
    """

    transfers: list[Transfer]
    links: list[int | None]
    first_of: dict[int, int]

    @classmethod
    def of(cls, given: Sequence[Transfer | tuple[Transfer, ...]]) -> Batch:
        """The transfers of `post_each`."""
        transfers: list[Transfer] = []
        links: list[int | None] = []
        for number, each in enumerate(given, start=1):
            group = each if isinstance(each, tuple) else (each,)
            transfers.extend(group)
            links.extend([number if isinstance(each, tuple) else None] * len(group))
        # Nearly every batch names each key once, and is looked at no further.
        repeats = len({transfer.key for transfer in transfers}) < len(transfers)
        return cls(transfers, links, _repeats(transfers) if repeats else {})

    def sent(self) -> list[int]:
        """The places that the database is asked about.

        A repeat is left out, unless it is linked to transfers that its first is not linked to: there it stands for a transfer that does
        not post with them, so that they do not post either.
        """
        if not self.first_of:
            return list(range(len(self.transfers)))
        return [
            place
            for place, link in enumerate(self.links)
            if place not in self.first_of or link not in (None, self.links[self.first_of[place]])
        ]

    def outcomes(self, answers: dict[int, Outcome]) -> list[Outcome]:
        """What became of each transfer, from the answers by place: a repeat has its first one's."""
        for place, first in self.first_of.items():
            answer = answers[first]
            answers[place] = replace(answer, repeated=True) if isinstance(answer, Receipt) else answer
        return [answers[place] for place in range(len(self.transfers))]


def _repeats(transfers: list[Transfer]) -> dict[int, int]:
    firsts: dict[str, int] = {}
    repeats = {}
    for place, transfer in enumerate(transfers):
        first = firsts.setdefault(transfer.key, place)
        if first != place and _content(transfer) == _content(transfers[first]):
            repeats[place] = first
    return repeats


def _content(transfer: Transfer) -> tuple[object, ...]:
    """What makes two transfers the same, as the database compares it. JSON as text, because True == 1 in Python."""
    metadata = json.dumps(json.loads(metadata_text(transfer.metadata)), sort_keys=True)
    return in_order(transfer.legs), metadata, transfer.effective_at
