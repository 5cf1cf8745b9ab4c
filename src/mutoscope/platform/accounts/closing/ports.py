"""What closing an account asks of whoever holds something of its person. `web` binds them; accounts knows none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mutoscope.engines.services import Socket
from mutoscope.platform.accounts.models import Person


@dataclass(frozen=True)
class Hindrance:
    """Why an account cannot be closed yet: a sentence that says what to do first, and where that is done."""

    sentence: str
    link: str
    link_words: str


Section = tuple[str, Iterable[Mapping[str, Any]]]
"""A part of the file with everything about a person: its name, and its rows as they go into JSON."""


class Holder(Protocol):
    """One context's part in closing an account. Each method does nothing unless it is overridden."""

    def hindrances(self, person: Person, /) -> Sequence[Hindrance]:
        """What prevents it. Asked for the page, under a lock on the person when it is closed, and again before it is erased."""
        return ()

    def losses(self, person: Person, /) -> Sequence[str]:
        """What is lost or stays, a sentence each."""
        return ()

    def files(self, person: Person, /) -> Sequence[tuple[str, str]]:
        """Files of theirs to be saved before, beside the one with everything: what each is called, and its address."""
        return ()

    def stop(self, person: Person, /) -> None:
        """End at once what is under way, in the transaction that closes the account."""
        return

    def erase(self, person: Person, /) -> None:
        """Erase what the books need not, in the one transaction that erases all. No files: they go when nothing names them."""
        return

    def sections(self, person: Person, /) -> Iterator[Section]:
        """What the person's own file says of this context."""
        return iter(())


holders: Socket[Sequence[Holder]] = Socket(())
