"""Refusals of the accounts context. Each names the field that a person can mend, and says how."""

from __future__ import annotations

from mutoscope.engines.services import Refused as Refused
from mutoscope.engines.services import Unacceptable as Unacceptable


class UsernameTaken(Refused):
    """Somebody has this username, or one that looks the same."""

    username: str

    def field(self) -> str:
        return "username"

    def sentence(self) -> str:
        return "This username is taken, or looks too much like one that is."


class HandleTaken(Refused):
    """Another channel has this handle, or one that looks the same."""

    handle: str
    alike: str | None = None

    def field(self) -> str:
        return "handle"

    def sentence(self) -> str:
        if self.alike is not None and self.alike != self.handle:
            return f"This looks too much like @{self.alike}, which is taken. Choose another handle."
        return "This handle is taken, or looks too much like one that is. Choose another."


class ChannelOpenAlready(Refused):
    """This person has a channel already; there is one for each."""

    def sentence(self) -> str:
        return "You have a channel already."


class NotAnImage(Refused):
    """The file is not a picture that can be used."""

    why: str = "This file cannot be read as a picture. Use a PNG, JPEG or WebP file."

    def field(self) -> str:
        return "avatar"

    def sentence(self) -> str:
        return self.why
