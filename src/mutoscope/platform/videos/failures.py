"""Refusals of the videos context, each with the sentence that a page says."""

from __future__ import annotations

from mutoscope.engines.services import Failure


class Refused(Failure):
    """What was asked is not possible as it stands."""

    def field(self) -> str:
        """The form field to change; `__all__` where it is none in particular."""
        return "__all__"

    def sentence(self) -> str:
        """What a page says about it."""
        raise NotImplementedError


class NotNow(Refused):
    """The video is in a state from which this move does not lead."""

    state: str
    wanted: str

    def sentence(self) -> str:
        return f"This film is {self.state}, so it cannot become {self.wanted} now. Load the page again to see where it stands."


class Unacceptable(Refused):
    """What was typed cannot be a title or a description."""

    where: str
    why: str

    def field(self) -> str:
        return self.where

    def sentence(self) -> str:
        return self.why


class NoSuchVideo(Refused):
    """There is no such video, or it is another channel's."""

    def sentence(self) -> str:
        return "There is no such film in your channel."


class NotSafeHere(Refused):
    """The machine has no sandbox that is good enough for strangers' files."""

    def sentence(self) -> str:
        return (
            "This server cannot look into such files safely, so it takes none. "
            "Its operator can see what is missing with: mutoscope doctor."
        )
