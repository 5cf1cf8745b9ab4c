"""Setting the prices of a film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mutoscope.engines.services import Internals, Outputs, Service, State, Steps, atomic
from mutoscope.platform.billing import books
from mutoscope.platform.billing.books import Kind
from mutoscope.platform.billing.domain.money import BadAmount, parse_points
from mutoscope.platform.billing.domain.terms import RANKS, Term
from mutoscope.platform.billing.failures import NoSuchFilm, Unacceptable
from mutoscope.platform.billing.models import FREE, Offer
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.videos.public import Video


@dataclass(frozen=True)
class SetPricesInputs:
    creator_id: int
    public_id: str
    prices: Mapping[Term, object]
    """Points for each term that is sold, as numbers or as they were typed. Terms that are left out are not sold."""
    is_free: bool = False
    """Anybody may watch; there must be no prices then."""


class SetPricesInternals(Internals):
    terms: list[str]
    points: list[int]
    video: Video


class SetPricesOutputs(Outputs):
    video: Video
    changes: int


Setting = State[SetPricesInputs, SetPricesInternals, SetPricesOutputs]

NAMES = {Term.DAY: "a day", Term.MONTH: "a month", Term.LIFETIME: "a lifetime"}


class SetPrices(Service[SetPricesInputs, SetPricesInternals, SetPricesOutputs]):
    """A creator says what a film costs: nothing, or points for any of the terms. Earlier prices are kept as history."""

    failures = (Unacceptable, NoSuchFilm)

    def steps(self) -> Steps[SetPricesInputs, SetPricesInternals, SetPricesOutputs]:
        return (
            self.read_what_was_typed,
            self.refuse_a_longer_term_that_is_cheaper,
            atomic(
                self.hold_the_film,
                self.open_accounts,
                self.save,
                savepoint=True,
            ),
        )

    def read_what_was_typed(self, setting: Setting) -> None:
        asked, work = setting.inputs, setting.internals
        if asked.is_free:
            if asked.prices:
                raise Unacceptable(where="is_free", why="A free film has no prices. Choose one or the other.")
            work.terms, work.points = [FREE], [0]
            return
        work.terms, work.points = [], []
        for term in Term:
            if term not in asked.prices:
                continue
            try:
                work.points.append(parse_points(asked.prices[term]))
            except BadAmount as problem:
                raise Unacceptable(where=term.value, why=str(problem)) from None
            work.terms.append(term.value)

    def refuse_a_longer_term_that_is_cheaper(self, setting: Setting) -> None:
        """Nobody would buy the shorter one, and an upgrade would cost less than nothing."""
        asked = [] if setting.inputs.is_free else [Term(term) for term in setting.internals.terms]
        prices = dict(zip(asked, setting.internals.points, strict=bool(asked)))
        for longer in asked:
            for shorter in asked:
                if RANKS[shorter] < RANKS[longer] and prices[longer] < prices[shorter]:
                    why = f"{NAMES[longer].capitalize()} cannot cost less than {NAMES[shorter]}."
                    raise Unacceptable(where=longer.value, why=why)

    def hold_the_film(self, setting: Setting) -> None:
        """Two tabs that save at once take turns."""
        asked = setting.inputs
        own = Video.objects.select_for_update(of=("self",), no_key=True).only("id", "public_id", "title", "channel_id")
        video = own.filter(public_id=asked.public_id, channel__owner_id=asked.creator_id).first()
        if video is None:
            raise NoSuchFilm
        setting.internals.video = setting.outputs.video = video

    def open_accounts(self, setting: Setting) -> None:
        """What a sale will credit must be there: a click does not open accounts."""
        books.account(Kind.EARNINGS, setting.internals.video.channel_id)
        books.account(Kind.FEES)

    def save(self, setting: Setting) -> None:
        work = setting.internals
        asked = {
            "video_id": work.video.pk,
            "terms": work.terms,
            "points": work.points,
            "by_id": setting.inputs.creator_id,
        }
        ended = fetch("pricing", "end", asked)
        started = fetch("pricing", "start", asked)
        setting.outputs.changes = len(ended) + len(started)
        # Asked at every key and on every card, so the film says it itself.
        Video.objects.filter(pk=work.video.pk).update(is_free=setting.inputs.is_free)


def current_offers(video_id: int) -> list[Offer]:
    """What a film costs now."""
    return list(Offer.objects.filter(video_id=video_id, ended_at__isnull=True))


def price_history(video_id: int, limit: int = 50) -> list[Offer]:
    """Every price that it ever had, newest first."""
    return list(Offer.objects.filter(video_id=video_id).select_related("by")[:limit])
