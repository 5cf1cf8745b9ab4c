"""What closing an account means for films: those that are shown prevent it, and traces of watching go with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import F, ProtectedError
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from mutoscope.platform.accounts.public import Hindrance, Holder, Person, Section
from mutoscope.platform.videos.domain.life import PUBLIC, VideoState
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.watch.models import Playback, Seen, WatchingChoice

UNDER_WAY = (VideoState.UPLOADING, VideoState.PROCESSING)


class KeptFilms(Holder):
    """A person's films, and what they watched."""

    def hindrances(self, person: Person, /) -> Sequence[Hindrance]:
        films = Video.objects.filter(channel__owner=person)
        found = []
        shown = films.filter(state__in=PUBLIC).count()
        if shown:
            words = "1 film of the channel is shown" if shown == 1 else f"{shown:,} films of the channel are shown"
            sentence = f"{words}. Archive {'it' if shown == 1 else 'them'} first: whoever unlocked one keeps it."
            found.append(Hindrance(sentence, reverse("studio"), "Films in the studio"))
        if films.filter(state__in=UNDER_WAY).exists():
            sentence = "A film is being uploaded or made. Cancel it, or wait until it is done."
            found.append(Hindrance(sentence, reverse("studio"), "Films in the studio"))
        return found

    def losses(self, person: Person, /) -> Sequence[str]:
        lost = ["What you watched is forgotten, and where you stopped."]
        if Video.objects.filter(channel__owner=person).exists():
            lost.append(
                "Your films are deleted, except those that somebody paid for: these stay for whoever unlocked them."
            )
        return lost

    def stop(self, person: Person, /) -> None:
        Playback.objects.filter(person=person, ended_at=None).update(ended_at=Now())

    def erase(self, person: Person, /) -> None:
        Seen.objects.filter(person=person).delete()
        WatchingChoice.objects.filter(person=person).delete()
        # The rows stay for what was counted by them, and say no more whose they were.
        Playback.objects.filter(person=person).update(
            person=None, viewer="", sign_in_digest="", ended_at=Coalesce(F("ended_at"), Now())
        )
        Upload.objects.filter(owner=person).update(file_name="")
        for video in Video.objects.select_for_update(of=("self",)).filter(channel__owner=person):
            self._erase_film(video)

    def _erase_film(self, video: Video) -> None:
        """Its files go with the next sweep, which finds that no row names them."""
        try:
            video.delete()
        except ProtectedError:
            # Sold, or tipped for: a receipt names it.
            if video.state == VideoState.READY:
                move(video.pk, VideoState.ARCHIVED)

    def sections(self, person: Person, /) -> Iterator[Section]:
        seen = Seen.objects.filter(person=person).order_by("pk")
        yield (
            "history",
            seen.values("position_ms", "is_finished", "began_at", "seen_at", film=F("video__title")),
        )
        films = Video.objects.filter(channel__owner=person).order_by("pk")
        yield "films", films.values("public_id", "title", "description", "state", "created_at", "published_at")
