"""Why an upload is refused, in words for whoever sends it."""

from __future__ import annotations

from mutoscope.platform.videos.failures import Refused


class TooLarge(Refused):
    """The file is larger than this site takes."""

    length: int
    most: int

    def sentence(self) -> str:
        return f"This file has {in_words(self.length)}; the largest that this site takes is {in_words(self.most)}."


class NoRoom(Refused):
    """The channel's quota would be passed."""

    needed: int
    left: int

    def sentence(self) -> str:
        return f"This file has {in_words(self.needed)}, and your channel has room for {in_words(self.left)} more."


class DiskFull(Refused):
    """The disk has no room for the file now."""

    def sentence(self) -> str:
        return "The site has no room for this file now. What was sent is kept; try again later, or tell the operator."


class NotYours(Refused):
    """There is no such upload, or somebody else's."""

    def sentence(self) -> str:
        return "There is no such upload."


class Ended(Refused):
    """The upload was finished, cancelled or has expired."""

    def sentence(self) -> str:
        return "This upload has ended. Begin a new one."


class AlreadyShown(Refused):
    """Others could see the film: what they paid for is not replaced."""

    def sentence(self) -> str:
        return "This film has been published, and what was shown stays as it was. Upload the new file as a film of its own."


class WrongOffset(Refused):
    """The bytes do not begin where the file ends."""

    expected: int

    def sentence(self) -> str:
        return f"The file goes on at byte {self.expected}."


class TooMuch(Refused):
    """More bytes than were announced."""

    def sentence(self) -> str:
        return "This is more than was announced."


class WrongChecksum(Refused):
    """The bytes arrived damaged."""

    def sentence(self) -> str:
        return "These bytes were damaged on the way. Send them again."


def in_words(size: int) -> str:
    """A number of bytes as people say it."""
    for unit, step in (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size} bytes"
