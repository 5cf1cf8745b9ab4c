"""Refusals of the videos context, each with the sentence that a page says."""

from __future__ import annotations

from mutoscope.engines.services import Refused as Refused
from mutoscope.engines.services import Unacceptable as Unacceptable


class NotNow(Refused):
    """The video is in a state from which this move does not lead."""

    state: str
    wanted: str

    def sentence(self) -> str:
        return f"This film is {self.state}, so it cannot become {self.wanted} now. Load the page again to see where it stands."


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
