"""The use cases around channels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from django.db import IntegrityError, transaction

from mutoscope.engines.services import Internals, NoOutputs, Outputs, Service, State, Steps
from mutoscope.platform.accounts.channels import avatar as avatars
from mutoscope.platform.accounts.closing.retired import is_retired
from mutoscope.platform.accounts.domain.names import BadName, parse_name, skeleton
from mutoscope.platform.accounts.domain.texts import BadText, parse_description, parse_title
from mutoscope.platform.accounts.failures import ChannelOpenAlready, HandleTaken, NotAnImage, Unacceptable
from mutoscope.platform.accounts.models import Channel, Person


@dataclass(frozen=True)
class OpenChannelInputs:
    owner: Person
    handle: str
    title: str
    description: str = ""
    avatar: BinaryIO | None = None


class OpenChannelInternals(Internals):
    handle: str
    title: str
    description: str
    picture: bytes | None


class OpenChannelOutputs(Outputs):
    channel: Channel


Opening = State[OpenChannelInputs, OpenChannelInternals, OpenChannelOutputs]


class OpenChannel(Service[OpenChannelInputs, OpenChannelInternals, OpenChannelOutputs]):
    """A person becomes a creator."""

    failures = (Unacceptable, HandleTaken, ChannelOpenAlready, NotAnImage)

    def steps(self) -> Steps[OpenChannelInputs, OpenChannelInternals, OpenChannelOutputs]:
        return (
            self.read_what_was_typed,
            self.refuse_a_second_channel,
            self.refuse_a_look_alike,
            self.draw_the_picture,
            self.open,
        )

    def read_what_was_typed(self, opening: Opening) -> None:
        with naming_the_field("handle"):
            opening.internals.handle = parse_name(opening.inputs.handle)
        with naming_the_field("title"):
            opening.internals.title = parse_title(opening.inputs.title)
        with naming_the_field("description"):
            opening.internals.description = parse_description(opening.inputs.description)

    def refuse_a_second_channel(self, opening: Opening) -> None:
        if Channel.objects.filter(owner=opening.inputs.owner).exists():
            raise ChannelOpenAlready

    def refuse_a_look_alike(self, opening: Opening) -> None:
        refuse_a_look_alike(opening.internals.handle)

    def draw_the_picture(self, opening: Opening) -> None:
        opening.internals.picture = avatars.square_webp(opening.inputs.avatar) if opening.inputs.avatar else None

    def open(self, opening: Opening) -> None:
        """Write the channel; the picture is kept only if that succeeds."""
        words = opening.internals
        with stored(words.picture) as name, one_channel_one_handle(words.handle), transaction.atomic():
            opening.outputs.channel = Channel.objects.create(
                owner=opening.inputs.owner,
                handle=words.handle,
                title=words.title,
                description=words.description,
                avatar=name,
            )
            # Once more: the channel that had it may have been closed since, which let this one be written.
            if is_retired(words.handle):
                raise HandleTaken(handle=words.handle)


@dataclass(frozen=True)
class EditChannelInputs:
    channel: Channel
    title: str
    description: str
    avatar: BinaryIO | None = None
    remove_avatar: bool = False


class EditChannelInternals(Internals):
    title: str
    description: str
    picture: bytes | None


Editing = State[EditChannelInputs, EditChannelInternals, NoOutputs]


class EditChannel(Service[EditChannelInputs, EditChannelInternals, NoOutputs]):
    """A creator changes the channel's title, description or picture; the handle stays, for links lead to it."""

    failures = (Unacceptable, NotAnImage)

    def steps(self) -> Steps[EditChannelInputs, EditChannelInternals, NoOutputs]:
        return (
            self.read_what_was_typed,
            self.draw_the_picture,
            self.save,
        )

    def read_what_was_typed(self, editing: Editing) -> None:
        with naming_the_field("title"):
            editing.internals.title = parse_title(editing.inputs.title)
        with naming_the_field("description"):
            editing.internals.description = parse_description(editing.inputs.description)

    def draw_the_picture(self, editing: Editing) -> None:
        editing.internals.picture = avatars.square_webp(editing.inputs.avatar) if editing.inputs.avatar else None

    def save(self, editing: Editing) -> None:
        """Write the words; the old picture goes only when the new one is there to stay."""
        words = editing.internals
        with stored(words.picture) as name, transaction.atomic():
            # Two tabs that save at once would otherwise both delete the same old picture and leave one of the new.
            current = Channel.objects.select_for_update(no_key=True).only("avatar").get(pk=editing.inputs.channel.pk)
            keeps = words.picture is None and not editing.inputs.remove_avatar
            Channel.objects.filter(pk=current.pk).update(
                title=words.title, description=words.description, avatar=current.avatar if keeps else name
            )
            if not keeps:
                transaction.on_commit(partial(avatars.forget, current.avatar))


def refuse_a_look_alike(handle: str) -> None:
    """Name the channel whose handle looks the same. The database would refuse it as well, later and in fewer words.

    Raises HandleTaken.
    """
    alike = Channel.objects.filter(handle_skeleton=skeleton(handle)).values_list("handle", flat=True).first()
    if alike is not None:
        raise HandleTaken(handle=handle, alike=alike)
    if is_retired(handle):
        raise HandleTaken(handle=handle)


@contextmanager
def naming_the_field(field: str) -> Iterator[None]:
    """Say which field it was that the rules of the domain refused."""
    try:
        yield
    except (BadName, BadText) as problem:
        raise Unacceptable(where=field, why=str(problem)) from None


@contextmanager
def stored(picture: bytes | None) -> Iterator[str]:
    """Keep a picture for the length of the block and after, unless the block fails: then it is gone again."""
    name = avatars.keep(picture) if picture is not None else ""
    try:
        yield name
    except BaseException:
        avatars.forget(name)
        raise


@contextmanager
def one_channel_one_handle(handle: str) -> Iterator[None]:
    """Turn the database's word about a race into the failure it stands for."""
    try:
        yield
    except IntegrityError as error:
        broken = str(error)
        if "accounts_channel_handle_alike" in broken or "handle" in broken:
            raise HandleTaken(handle=handle) from None
        if "owner_id" in broken:
            raise ChannelOpenAlready from None
        raise
