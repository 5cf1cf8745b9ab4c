"""The studio's pages of a film, and what they say as long as it has no price."""

from __future__ import annotations

import pytest
from django.test import Client

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.videos.public import Video, VideoState
from tests.platform.videos.films import new_channel, new_video

pytestmark = pytest.mark.django_db

TABS = ("", "files/", "price/", "analytics/")
WARNING = "This film has no price yet."


@pytest.fixture
def channel() -> Channel:
    return new_channel()


@pytest.fixture
def studio(channel: Channel) -> Client:
    client = Client()
    client.force_login(channel.owner)
    return client


def said(client: Client, video: Video, tab: str = "") -> str:
    return client.get(f"/studio/films/{video.public_id}/{tab}").content.decode()


def head_of(page: str) -> str:
    return page[page.index('<header class="page-head">') : page.index('<nav class="tabs"')]


def price(video: Video, prices: dict[Term, int]) -> None:
    SetPrices().call(SetPricesInputs(video.channel.owner_id, video.public_id, prices, is_free=not prices))


def test_the_head_of_a_film_is_the_same_on_every_tab(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.PUBLISHED)
    heads = {head_of(said(studio, video, tab)) for tab in TABS}
    assert len(heads) == 1, "the tabs of a film show different heads"
    assert "Published" in heads.pop()


@pytest.mark.parametrize("state", [VideoState.READY, VideoState.PUBLISHED, VideoState.UNLISTED])
def test_a_film_without_a_price_says_so_until_it_has_one(studio: Client, channel: Channel, state: VideoState) -> None:
    video = new_video(channel, state)
    pages = {tab: said(studio, video, tab) for tab in TABS}
    for tab, page in pages.items():
        assert "No price yet" in head_of(page), f"the head of {tab or 'details'} does not say it"
        # On the price tab it is said by what stands there.
        assert (WARNING in page) == (tab != "price/")
    assert "read “Not open yet”" in pages[""]
    # A bundle sells it without a price of its own.
    assert "except with a bundle" in pages[""]
    assert "others watch it with a bundle that it is in, or not at all" in pages["price/"]
    listed = studio.get("/studio/rows/").content.decode()
    assert f'href="/studio/films/{video.public_id}/price/">No price yet' in listed

    price(video, {Term.DAY: 10})
    assert "No price yet" not in said(studio, video) + studio.get("/studio/rows/").content.decode()


def test_a_free_film_lacks_no_price(studio: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.PUBLISHED)
    price(video, {})
    assert WARNING not in said(studio, video)
    assert "No price yet" not in studio.get("/studio/rows/").content.decode()


@pytest.mark.parametrize("state", [VideoState.DRAFT, VideoState.PROCESSING, VideoState.FAILED, VideoState.ARCHIVED])
def test_a_film_that_nobody_else_can_see_needs_no_price(studio: Client, channel: Channel, state: VideoState) -> None:
    video = new_video(channel, state)
    assert "No price yet" not in said(studio, video) + studio.get("/studio/rows/").content.decode()


@pytest.mark.parametrize("state", ["published", "unlisted"])
def test_publishing_without_a_price_says_that_nobody_can_unlock_it(
    studio: Client, channel: Channel, state: str
) -> None:
    unpriced, priced = new_video(channel, VideoState.READY), new_video(channel, VideoState.READY)
    price(priced, {Term.LIFETIME: 50})
    words = "It can be unlocked once it has a price, or with a bundle."
    for video, is_said in ((unpriced, True), (priced, False)):
        page = studio.post(f"/studio/films/{video.public_id}/show/", {"state": state}, follow=True).content.decode()
        assert (words in page) == is_said
