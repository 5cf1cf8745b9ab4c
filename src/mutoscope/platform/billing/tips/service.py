"""Tipping a creator."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from mutoscope.engines.ledger import Receipt, Transfer
from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic, when
from mutoscope.platform.accounts.public import BadText, parse_title
from mutoscope.platform.billing import books
from mutoscope.platform.billing.domain.money import BadAmount, parse_points, split
from mutoscope.platform.billing.failures import InsufficientPoints, NoSuchFilm, OwnFilm, RequestKeyReused, Unacceptable
from mutoscope.platform.billing.models import KEY_LENGTH_MAX, NOTE_LENGTH_MAX, Tip
from mutoscope.platform.videos.public import PUBLIC, Video


@dataclass(frozen=True)
class GiveTipInputs:
    viewer_id: int
    public_id: str
    points: object
    """A whole number, or one as it was typed."""
    request_key: str
    note: str = ""
    may_be_shown: bool = False


class GiveTipInternals(Internals):
    points: int
    note: str
    earlier: Tip | None
    video: Video


class GiveTipOutputs(Outputs):
    points: int
    channel_title: str
    is_repeated: bool


Tipping = State[GiveTipInputs, GiveTipInternals, GiveTipOutputs]


class GiveTip(Service[GiveTipInputs, GiveTipInternals, GiveTipOutputs]):
    """A viewer gives the creator of a film points, perhaps with a note."""

    failures = (Unacceptable, NoSuchFilm, OwnFilm, InsufficientPoints, RequestKeyReused)

    def steps(self) -> Steps[GiveTipInputs, GiveTipInternals, GiveTipOutputs]:
        return (
            self.read_what_was_typed,
            self.find_the_earlier_one,
            when(self.was_given_before, self.answer_as_before),
            when(self.is_new, self.find_the_film, atomic(self.give, savepoint=True)),
        )

    def read_what_was_typed(self, tipping: Tipping) -> None:
        asked, work = tipping.inputs, tipping.internals
        try:
            work.points = parse_points(asked.points)
        except BadAmount as problem:
            raise Unacceptable(where="points", why=str(problem)) from None
        try:
            # The rules of a title: one line, any language, nothing that hides or reorders.
            work.note = parse_title(asked.note) if asked.note.strip() else ""
        except BadText as problem:
            raise Unacceptable(where="note", why=str(problem)) from None
        if len(work.note) > NOTE_LENGTH_MAX:
            raise Unacceptable(where="note", why=f"Use at most {NOTE_LENGTH_MAX} characters.")
        if not 0 < len(asked.request_key) <= KEY_LENGTH_MAX:
            raise Unacceptable(where="request_key", why=f"A key has 1 to {KEY_LENGTH_MAX} characters.")

    def find_the_earlier_one(self, tipping: Tipping) -> None:
        """By its key. Whoever asks again since no answer came gets it, whatever became of film and fee; of two at once the ledger takes one."""
        asked = tipping.inputs
        known = Tip.objects.select_related("video", "channel")
        tipping.internals.earlier = known.filter(viewer_id=asked.viewer_id, request_key=asked.request_key).first()

    def was_given_before(self, tipping: Tipping) -> bool:
        return tipping.internals.earlier is not None

    def answer_as_before(self, tipping: Tipping) -> None:
        asked, work, earlier = tipping.inputs, tipping.internals, tipping.internals.earlier
        assert earlier is not None
        given = (earlier.video.public_id, earlier.points, earlier.note, earlier.may_be_shown)
        if given != (asked.public_id, work.points, work.note, asked.may_be_shown):
            raise RequestKeyReused
        out = tipping.outputs
        out.points, out.channel_title, out.is_repeated = earlier.points, earlier.channel.title, True

    def is_new(self, tipping: Tipping) -> bool:
        return tipping.internals.earlier is None

    def find_the_film(self, tipping: Tipping) -> None:
        found = Video.objects.select_related("channel").filter(public_id=tipping.inputs.public_id, state__in=PUBLIC)
        video = found.first()
        if video is None:
            raise NoSuchFilm
        if video.channel.owner_id == tipping.inputs.viewer_id:
            raise OwnFilm
        tipping.internals.video = video

    def give(self, tipping: Tipping) -> None:
        """Debit, credit, fee and the note: one transaction."""
        asked, work = tipping.inputs, tipping.internals
        tip = Tip(
            viewer_id=asked.viewer_id,
            video=work.video,
            points=work.points,
            note=work.note,
            may_be_shown=asked.may_be_shown,
            request_key=asked.request_key,
        )
        receipt = pay_and_keep(tip)
        out = tipping.outputs
        out.points, out.channel_title, out.is_repeated = work.points, work.video.channel.title, receipt.repeated


def pay_and_keep(tip: Tip, *, at: datetime | None = None) -> Receipt:
    """Pay a tip that is not in the database yet and keep it, in the caller's transaction; given `at` a moment, as of then.

    The same again changes nothing. Raises InsufficientPoints, and RequestKeyReused where its key was another tip's.
    """
    parts = split(tip.points, settings.FEE_BPS)
    channel_id = tip.video.channel_id
    legs = books.sale_legs(tip.viewer_id, channel_id, parts)
    # The ledger forgets nothing, and whoever closes their account wants the note forgotten: a digest tells it from another.
    note = hashlib.sha256(tip.note.encode()).hexdigest()[:32] if tip.note else ""
    about = {"for": "tip", "video": tip.video.pk, "note": note, "shown": tip.may_be_shown}
    key = f"tip:{tip.viewer_id}:{tip.request_key}"
    receipt = books.post(Transfer(key, legs, about, effective_at=at), RequestKeyReused)
    if not receipt.repeated:
        tip.channel_id, tip.transfer_id = channel_id, receipt.transfer_id
        tip.fee_points, tip.creator_points = parts.fee_points, parts.creator_points
        tip.given_at = at or tip.given_at
        tip.save(force_insert=True)
    return receipt


def shown_tips(video_id: int, limit: int = 20) -> list[Tip]:
    """Tips to a film that viewer and creator both want shown, newest first."""
    return list(Tip.objects.filter(video_id=video_id, may_be_shown=True, is_shown=True)[:limit])


def show_tip(tip_id: int, creator_id: int, *, is_shown: bool) -> None:
    """The creator's half of the wish. Raises NoSuchFilm for a tip that is somebody else's."""
    if not Tip.objects.filter(pk=tip_id, channel__owner_id=creator_id).update(is_shown=is_shown):
        raise NoSuchFilm
