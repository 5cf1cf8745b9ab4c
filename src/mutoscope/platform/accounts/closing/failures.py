"""Refusals around closing an account."""

from __future__ import annotations

from collections.abc import Sequence

from mutoscope.engines.services import Refused
from mutoscope.platform.accounts.closing.ports import Hindrance


class Prevented(Refused):
    """Something has to be brought to its end before this account can be closed."""

    by: Sequence[Hindrance]

    def sentence(self) -> str:
        return " ".join(hindrance.sentence for hindrance in self.by)


class ClosingAlready(Refused):
    """This account is being closed, or was."""

    def sentence(self) -> str:
        return "This account is being closed already."


class NothingToKeep(Refused):
    """This account is not being closed, or everything of it was erased."""

    def sentence(self) -> str:
        return "This account is not being closed, or it was erased."


class NotDue(Refused):
    """This account is not to be erased now: its time has not come, or its person came back, or it was erased."""

    def sentence(self) -> str:
        return "This account is not to be erased now."
