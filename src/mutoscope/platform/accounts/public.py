"""The one door into accounts. Other contexts import this and nothing else."""

from __future__ import annotations

from mutoscope.platform.accounts.channels.service import OpenChannel, OpenChannelInputs
from mutoscope.platform.accounts.channels.shelf import ChannelShelf, channel_shelf
from mutoscope.platform.accounts.closing.ports import Hindrance, Holder, Section, holders
from mutoscope.platform.accounts.domain.names import BadName, parse_name, skeleton
from mutoscope.platform.accounts.domain.texts import BadText, parse_description, parse_title
from mutoscope.platform.accounts.failures import (
    ChannelOpenAlready,
    HandleTaken,
    NotAnImage,
    Unacceptable,
    UsernameTaken,
)
from mutoscope.platform.accounts.models import Channel, Person
from mutoscope.platform.accounts.people.service import AddPerson, AddPersonInputs
from mutoscope.platform.accounts.roles import OPERATOR, SUPPORT, add_rights
from mutoscope.platform.accounts.sign_in.required import login_required, to_sign_in

__all__ = [
    "OPERATOR",
    "SUPPORT",
    "AddPerson",
    "AddPersonInputs",
    "BadName",
    "BadText",
    "Channel",
    "ChannelOpenAlready",
    "ChannelShelf",
    "HandleTaken",
    "Hindrance",
    "Holder",
    "NotAnImage",
    "OpenChannel",
    "OpenChannelInputs",
    "Person",
    "Section",
    "Unacceptable",
    "UsernameTaken",
    "add_rights",
    "channel_of",
    "channel_shelf",
    "holders",
    "login_required",
    "newest_channels",
    "parse_description",
    "parse_name",
    "parse_title",
    "skeleton",
    "to_sign_in",
]


def channel_of(person: Person) -> Channel | None:
    """The channel that this person opened, or None for somebody who only watches."""
    return Channel.objects.filter(owner=person).first()


def newest_channels(limit: int) -> list[Channel]:
    """The channels opened last, newest first, at most `limit` of them, without those that are closed or being closed."""
    return list(Channel.objects.filter(owner__closing=None)[:limit])
