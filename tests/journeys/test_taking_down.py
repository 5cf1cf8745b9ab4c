"""The operator takes a film down and lifts it, in a real browser; its creator and somebody who bought it read what it means."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.videos.models import Video
from tests.journeys.visitor import Visitor
from tests.people import make_person
from tests.platform.billing.shop import Shop, give

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
WHY = "Its music is somebody else's: the label has claimed it on 12 November."


@pytest.mark.usefixtures("empty_books")
def test_a_film_is_taken_down_and_comes_back(visit: Visit, shop: Shop) -> None:
    film = Video.objects.get(public_id=shop.video.public_id)
    give(shop.viewer, 1000)
    shop.unlock(Term.LIFETIME)
    person = make_person("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="operator"))
    operator, creator, buyer = visit(), visit(), visit()
    operator.becomes(person)
    creator.becomes(film.channel.owner)
    buyer.becomes(shop.viewer)
    buyer.expected_statuses.add(410)

    operator.goto(f"/operator/videos/video/{film.pk}/change/")
    operator.follow("Take it down")
    operator.look("taking-down", is_ours=False)
    operator.press("Go on")
    expect(operator.page.get_by_text("Say why: a reason of 1 to 500 characters.")).to_be_visible()
    operator.page.get_by_label("Reason").fill(WHY)
    operator.press("Go on")
    operator.look("taking-down-last-look", is_ours=False)
    operator.press("Take it down")
    expect(operator.page.get_by_text("taken down.")).to_be_visible()

    buyer.goto(f"/watch/{film.public_id}")
    expect(buyer.page.get_by_text("they can give you your points back")).to_be_visible()
    buyer.look("taken-down-for-a-buyer")
    buyer.goto("/library/")
    expect(buyer.page.get_by_text("Taken down by this site.")).to_be_visible()
    buyer.look("taken-down-in-the-library")
    creator.goto(f"/studio/films/{film.public_id}/")
    expect(creator.page.get_by_text(WHY)).to_be_visible()
    expect(creator.page.get_by_role("button", name="Publish")).to_have_count(0)
    creator.look("taken-down-in-the-studio")
    creator.goto("/studio/")
    expect(creator.page.get_by_text("Taken down")).to_be_visible()
    creator.look("taken-down-in-the-list-of-films")

    operator.follow("Lift the take-down")
    operator.page.get_by_label("Reason").fill("They have settled it.")
    operator.press("Go on")
    operator.look("lifting", is_ours=False)
    operator.press("Lift the take-down")
    expect(operator.page.get_by_text("let back, and published again.")).to_be_visible()
    buyer.goto(f"/watch/{film.public_id}")
    expect(buyer.page.get_by_role("heading", name=film.title)).to_be_visible()
