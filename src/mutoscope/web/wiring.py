"""Which adapter serves which port. The only place that knows both sides."""

from __future__ import annotations

from django.conf import settings
from injector import Injector, Module, multiprovider, provider, singleton

from mutoscope.platform.accounts.public import ChannelShelf, Holder, channel_shelf, holders
from mutoscope.platform.analytics.public import visit_counter
from mutoscope.platform.billing.public import (
    KeptMoney,
    PaidByHand,
    PaidBySigner,
    PaysCreators,
    billing_card_notes,
    billing_film_sales,
    billing_may_watch,
    billing_unlock_panel,
    pays_creators,
)
from mutoscope.platform.support.public import KeptMail
from mutoscope.platform.videos.public import (
    CardNotes,
    FilmSales,
    KeptFilms,
    MayWatch,
    PageFoot,
    UnlockPanel,
    card_notes,
    film_sales,
    may_watch,
    page_foot,
    unlock_panel,
)
from mutoscope.web.shelf import films_of_channel


class Films(Module):
    """What watching needs from whoever sells films."""

    @provider
    @singleton
    def may_watch(self) -> MayWatch:
        return billing_may_watch

    @provider
    @singleton
    def unlock_panel(self) -> UnlockPanel:
        return billing_unlock_panel

    @provider
    @singleton
    def card_notes(self) -> CardNotes:
        return billing_card_notes

    @provider
    @singleton
    def film_sales(self) -> FilmSales:
        return billing_film_sales

    @provider
    @singleton
    def page_foot(self) -> PageFoot:
        return visit_counter

    @provider
    @singleton
    def channel_shelf(self) -> ChannelShelf:
        return films_of_channel


class Money(Module):
    """Who pays creators."""

    @provider
    @singleton
    def pays_creators(self) -> PaysCreators:
        return PaidBySigner() if settings.PAYOUT_BY == "signer" else PaidByHand()


class Leaving(Module):
    """Who has a part in closing an account: those that look things up in others come first."""

    @multiprovider
    @singleton
    def holders(self) -> list[Holder]:
        return [KeptMail(), KeptMoney(), KeptFilms()]


def plug(*further: Module) -> None:
    """Bind every port, once, while the program starts. A later module replaces what an earlier one provides."""
    injector = Injector([Films(), Money(), Leaving(), *further], auto_bind=False)
    may_watch.bind(injector.get(MayWatch))  # type: ignore[type-abstract]
    unlock_panel.bind(injector.get(UnlockPanel))  # type: ignore[type-abstract]
    card_notes.bind(injector.get(CardNotes))  # type: ignore[type-abstract]
    film_sales.bind(injector.get(FilmSales))  # type: ignore[type-abstract]
    page_foot.bind(injector.get(PageFoot))  # type: ignore[type-abstract]
    pays_creators.bind(injector.get(PaysCreators))  # type: ignore[type-abstract]
    holders.bind(tuple(injector.get(list[Holder])))
    channel_shelf.bind(injector.get(ChannelShelf))  # type: ignore[type-abstract]
