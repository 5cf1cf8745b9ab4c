"""Putting films together, and ending that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from mutoscope.engines.services import Internals, NoInternals, Outputs, Service, State, Steps, atomic, when
from mutoscope.platform.accounts.public import BadText, Channel, parse_title
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.bundles.models import TITLE_LENGTH_MAX, Bundle, BundleFilm
from mutoscope.platform.billing.domain.bundles import FILMS_MAX, FILMS_MIN
from mutoscope.platform.billing.domain.money import BadAmount, parse_points
from mutoscope.platform.billing.domain.terms import FOR, Term
from mutoscope.platform.billing.failures import DearerThanAlone, NoSuchBundle, NoSuchFilm, Unacceptable
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.videos.public import PUBLIC, Video

# Terms that give at least as much.
AT_LEAST = {
    Term.DAY: [Term.DAY, Term.MONTH, Term.LIFETIME],
    Term.MONTH: [Term.MONTH, Term.LIFETIME],
    Term.LIFETIME: [Term.LIFETIME],
}


@dataclass(frozen=True)
class MakeBundleInputs:
    channel: Channel
    title: str
    films: Sequence[str]
    """Public ids of the channel's films, in the order in which they are shown."""
    term: str
    points: object
    """A whole number, or one as it was typed."""
    may_be_dearer: bool = True
    """Whether it may cost more than its films alone, which nobody would buy: a page asks first."""


class MakeBundleInternals(Internals):
    title: str
    points: int
    videos: list[Video]


class BundleOutputs(Outputs):
    bundle: Bundle


Making = State[MakeBundleInputs, MakeBundleInternals, BundleOutputs]


class MakeBundle(Service[MakeBundleInputs, MakeBundleInternals, BundleOutputs]):
    """A creator sells several films together, for one term at one price."""

    failures = (Unacceptable, NoSuchFilm, DearerThanAlone)

    def steps(self) -> Steps[MakeBundleInputs, MakeBundleInternals, BundleOutputs]:
        return (
            self.read_what_was_typed,
            self.find_the_films,
            when(self.must_not_be_dearer, self.compare_with_the_films_alone),
            atomic(self.hold_the_channel, self.refuse_the_same_again, self.keep, savepoint=True),
        )

    def read_what_was_typed(self, making: Making) -> None:
        asked, work = making.inputs, making.internals
        try:
            work.title = parse_title(asked.title)
        except BadText as problem:
            raise Unacceptable(where="title", why=str(problem)) from None
        if len(work.title) > TITLE_LENGTH_MAX:
            raise Unacceptable(where="title", why=f"Use at most {TITLE_LENGTH_MAX} characters.")
        if asked.term not in set(Term):
            raise Unacceptable(where="term", why="Choose a day, a month or a lifetime.")
        if not FILMS_MIN <= len(set(asked.films)) == len(asked.films) <= FILMS_MAX:
            raise Unacceptable(where="films", why=f"Choose {FILMS_MIN} to {FILMS_MAX} films, each once.")
        try:
            work.points = parse_points(asked.points)
        except BadAmount as problem:
            raise Unacceptable(where="points", why=str(problem)) from None
        if work.points < len(asked.films):
            raise Unacceptable(where="points", why=f"At least a point for each film: {len(asked.films)}.")

    def find_the_films(self, making: Making) -> None:
        """All of them the channel's own, on show, and not free."""
        asked, work = making.inputs, making.internals
        found = {
            video.public_id: video for video in Video.objects.filter(channel=asked.channel, public_id__in=asked.films)
        }
        if len(found) < len(asked.films):
            raise NoSuchFilm
        work.videos = [found[public_id] for public_id in asked.films]
        for video in work.videos:
            if video.state not in PUBLIC or video.is_free:
                raise Unacceptable(where="films", why=f"“{video.title}” is not published, or free.")

    def must_not_be_dearer(self, making: Making) -> bool:
        return not making.inputs.may_be_dearer

    def compare_with_the_films_alone(self, making: Making) -> None:
        """A slip of the hand, most likely: every film is sold alone for as long, and all of them for less."""
        asked, work = making.inputs, making.internals
        about = {"video_ids": [video.pk for video in work.videos], "terms": AT_LEAST[Term(asked.term)]}
        films, alone_points = fetch("bundles", "alone", about)[0]
        if films == len(work.videos) and work.points > alone_points:
            raise DearerThanAlone(points=work.points, alone_points=alone_points)

    def hold_the_channel(self, making: Making) -> None:
        """A form that is sent twice takes turns with itself."""
        Channel.objects.select_for_update(no_key=True).only("id").get(pk=making.inputs.channel.pk)

    def refuse_the_same_again(self, making: Making) -> None:
        """The same films for the same term twice are a mistake: nobody would buy the dearer one."""
        asked = making.inputs
        video_ids = sorted(video.pk for video in making.internals.videos)
        same = {"channel_id": asked.channel.pk, "term": asked.term, "video_ids": video_ids}
        for (title,) in fetch("bundles", "of_same_films", same):
            why = (
                f"“{title}” sells exactly these films {FOR[Term(asked.term)]} already. End it first, or choose others."
            )
            raise Unacceptable(where="films", why=why)

    def keep(self, making: Making) -> None:
        work = making.internals
        # What a sale will credit is there before the first click.
        books.account(Kind.EARNINGS, making.inputs.channel.pk)
        books.account(Kind.FEES)
        bundle = Bundle.objects.create(
            channel=making.inputs.channel, title=work.title, term=making.inputs.term, points=work.points
        )
        BundleFilm.objects.bulk_create(
            BundleFilm(bundle=bundle, video=video, position=position) for position, video in enumerate(work.videos)
        )
        making.outputs.bundle = bundle


@dataclass(frozen=True)
class EndBundleInputs:
    channel: Channel
    public_id: str


Ending = State[EndBundleInputs, NoInternals, BundleOutputs]


class EndBundle(Service[EndBundleInputs, NoInternals, BundleOutputs]):
    """A creator takes a bundle off sale. What was bought stays; ending it again changes nothing."""

    failures = (NoSuchBundle,)

    def steps(self) -> Steps[EndBundleInputs, NoInternals, BundleOutputs]:
        return (atomic(self.end, savepoint=True),)

    def end(self, ending: Ending) -> None:
        held = Bundle.objects.select_for_update(no_key=True)
        bundle = held.filter(channel=ending.inputs.channel, public_id=ending.inputs.public_id).first()
        if bundle is None:
            raise NoSuchBundle
        if bundle.ended_at is None:
            bundle.ended_at = timezone.now()
            bundle.save(update_fields=["ended_at"])
        ending.outputs.bundle = bundle
