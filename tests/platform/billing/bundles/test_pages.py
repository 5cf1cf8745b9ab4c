"""Bundles on the pages and over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import Bundle, Pack
from mutoscope.platform.billing.unlock.adapters import billing_card_notes
from mutoscope.platform.videos.public import CardNote, Video, VideoState
from tests.people import make_channel, make_person
from tests.platform.billing.bundles.rack import Rack
from tests.platform.billing.shop import Shop

pytestmark = pytest.mark.django_db


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_page_lists_the_films_and_one_click_unlocks_them() -> None:
    rack = Rack.open()
    client = signed_in(rack.shop.viewer)
    address = f"/bundles/{rack.bundle.public_id}/"
    page = client.get(address).content.decode()
    for words in ("All voyages", "Voyage 2", "Voyage 3", "Unlock all for 100 points", "900 left after this"):
        assert words in page, words
    assert client.post(address, {"points": "100", "number": "0"}).status_code == 302
    assert "You have all of it" in client.get(address).content.decode()
    assert client.post(address, {"points": "x", "number": "0"}).status_code == 400
    assert client.post(address, {"points": "100", "number": "-1"}).status_code == 400
    assert "Sign in to unlock" in Client().get(address).content.decode()
    assert Client().post(address, {"points": "100", "number": "0"}).status_code == 302
    assert "Unlocked All voyages for ever" in client.get("/wallet/").content.decode()


def test_the_page_says_what_is_taken_off_and_what_is_missing() -> None:
    rack = Rack.open(points=230)
    rack.alone(0, Term.LIFETIME)
    page = signed_in(rack.shop.viewer).get(f"/bundles/{rack.bundle.public_id}/").content.decode()
    assert "1 film you have already: 34 of 100 points are taken off." in page
    assert "36 are missing" in page


def test_before_a_bundle_is_paid_it_is_said_that_films_need_scripts_and_several_packs() -> None:
    rack = Rack.open(points=10)
    large = Pack.objects.create(title="Large", points=40, price_usd_cents=50)
    page = signed_in(rack.shop.viewer).get(f"/bundles/{rack.bundle.public_id}/").content.decode()
    assert "They are decrypted in your browser." in page
    assert "No single pack is enough: it takes 3 of 40 points, $1.50 in all" in page
    assert "Get the first 40 points for $0.50" in page
    assert f"pack={large.pk}" in page


def test_a_bundle_that_costs_more_than_its_films_is_asked_about_first() -> None:
    rack = Rack.open()
    client = signed_in(rack.shop.creator)
    films = [film.public_id for film in rack.films[:2]]
    asked = {"title": "Two voyages", "films": films, "term": "lifetime", "points": "401"}
    warned = client.post("/studio/bundles/", asked)
    assert warned.status_code == 422
    page = warned.content.decode()
    assert "Bought one by one these films cost 400 points together, and the bundle 401." in page
    assert 'name="dearer" value="401"' in page
    assert Bundle.objects.count() == 1
    # What was agreed to was another price.
    assert client.post("/studio/bundles/", {**asked, "points": "999999", "dearer": "401"}).status_code == 422
    assert client.post("/studio/bundles/", {**asked, "dearer": "401"}).status_code == 302
    assert Bundle.objects.count() == 2
    # As much as its films, or with one that is not sold alone for so long: there is nothing to ask.
    assert client.post("/studio/bundles/", {**asked, "term": "day", "points": "60"}).status_code == 302
    Shop(rack.shop.creator, rack.shop.viewer, rack.films[2]).price({Term.DAY: 1})
    others = {**asked, "films": [film.public_id for film in rack.films[1:]], "points": "5000"}
    assert client.post("/studio/bundles/", others).status_code == 302
    # A film's longer term counts where it is the cheapest that gives as much.
    Shop(rack.shop.creator, rack.shop.viewer, rack.films[1]).price({Term.LIFETIME: 7})
    assert "cost 8 points together" in client.post("/studio/bundles/", {**others, "term": "day"}).content.decode()


def test_a_creator_makes_and_ends_a_bundle() -> None:
    rack = Rack.open()
    client = signed_in(rack.shop.creator)
    films = [film.public_id for film in rack.films[:2]]
    asked = {"title": "Two voyages", "films": films, "term": "month", "points": "40"}
    assert client.post("/studio/bundles/", asked).status_code == 302
    page = client.get("/studio/bundles/").content.decode()
    assert "Two voyages" in page
    wrong = client.post("/studio/bundles/", {**asked, "points": "1"})
    assert wrong.status_code == 422
    assert "At least a point for each film: 2." in wrong.content.decode()
    assert client.post("/studio/bundles/", {**asked, "films": films[:1]}).status_code == 422
    assert client.post(f"/studio/bundles/{rack.bundle.public_id}/end/").status_code == 302
    rack.bundle.refresh_from_db()
    assert rack.bundle.ended_at is not None
    stranger = make_person("mallory")
    make_channel(stranger, "mallory")
    assert signed_in(stranger).post(f"/studio/bundles/{rack.bundle.public_id}/end/").status_code == 404


def test_the_same_films_for_the_same_term_are_not_sold_twice() -> None:
    rack = Rack.open()
    client = signed_in(rack.shop.creator)
    # In whatever order, and under another name.
    films = [film.public_id for film in reversed(rack.films)]
    asked = {"title": "Once more", "films": films, "term": "lifetime", "points": "90"}
    refused = client.post("/studio/bundles/", asked)
    assert refused.status_code == 422
    assert refused.context["form"].errors["films"] == [
        "“All voyages” sells exactly these films for ever already. End it first, or choose others."
    ]
    problem = client.post("/api/billing/bundles", {**asked, "points": 90}, content_type="application/json")
    assert (problem.status_code, problem.json()["field"]) == (422, "films")
    # For another term, with other films, or when the first has ended, it is no mistake.
    assert client.post("/studio/bundles/", {**asked, "term": "month"}).status_code == 302
    assert client.post("/studio/bundles/", {**asked, "films": films[:2]}).status_code == 302
    client.post(f"/studio/bundles/{rack.bundle.public_id}/end/")
    assert client.post("/studio/bundles/", asked).status_code == 302


@pytest.mark.parametrize(("owned", "due"), [([], 100), ([1], 67), ([1, 2], 34)])
def test_a_bundle_costs_the_same_beside_a_film_on_its_page_and_on_the_channels(owned: list[int], due: int) -> None:
    rack = Rack.open()
    for film in owned:
        rack.alone(film, Term.LIFETIME)
    client = signed_in(rack.shop.viewer)
    channel = rack.shop.video.channel
    offers = {
        "beside the film": client.get(f"/watch/{rack.films[0].public_id}", follow=True).content.decode(),
        "on the channel's page": client.get(channel.get_absolute_url()).content.decode(),
    }
    for where, page in offers.items():
        link = page.index(f'href="/bundles/{rack.bundle.public_id}/"')
        words = " ".join(page[page.rindex("<", 0, link) - 900 : link + 900].split())
        assert f'<span class="number">{due}</span>' in words, (where, words)
        assert (f"without {len(owned)} that you have" in words) == bool(owned), where
    assert f"Unlock all for {due} points" in client.get(f"/bundles/{rack.bundle.public_id}/").content.decode()


def test_a_bundle_that_one_cannot_buy_is_not_offered() -> None:
    rack = Rack.open()
    client, link = signed_in(rack.shop.viewer), f'href="/bundles/{rack.bundle.public_id}/"'
    channel = rack.shop.video.channel.get_absolute_url()
    assert link in Client().get(channel).content.decode()
    for film in (0, 1, 2):
        rack.alone(film, Term.LIFETIME)
    assert link not in client.get(channel).content.decode(), "a bundle of films that one has"
    other, film = Client(), f"/watch/{rack.films[0].public_id}"
    assert link in other.get(film, follow=True).content.decode()
    Video.objects.filter(pk=rack.films[2].pk).update(is_free=True)
    for page in (channel, film):
        assert link not in other.get(page, follow=True).content.decode(), "a bundle with a film that became free"
    Video.objects.filter(pk=rack.films[2].pk).update(is_free=False)
    signed_in(rack.shop.creator).post(f"/studio/bundles/{rack.bundle.public_id}/end/")
    for page in (channel, film):
        assert link not in other.get(page, follow=True).content.decode(), "a bundle that has ended"


def test_the_api_makes_sells_and_ends_a_bundle() -> None:
    rack = Rack.open()
    creator, viewer = signed_in(rack.shop.creator), signed_in(rack.shop.viewer)
    json: dict[str, Any] = {"content_type": "application/json"}
    asked = {"title": "Two", "films": [film.public_id for film in rack.films[:2]], "term": "day", "points": 40}
    made = creator.post("/api/billing/bundles", asked, **json)
    assert (made.status_code, made.json()["films"]) == (200, 2)
    address = f"/api/billing/bundles/{made.json()['public_id']}"
    assert viewer.get(address).json()["due_points"] == 40
    bought = [
        viewer.post(f"{address}/unlock", {"agreed_points": 40}, headers={"Idempotency-Key": "one"}, **json)
        for _ in range(2)
    ]
    assert [answer.json()["is_repeated"] for answer in bought] == [False, True]
    assert creator.get("/api/billing/bundles").json()["bundles"][0]["sold"] == 1
    assert creator.delete(address).status_code == 204
    assert viewer.get(address).json()["is_sold"] is False
    assert creator.delete("/api/billing/bundles/abcdefghjkmn").status_code == 404
    assert creator.post("/api/billing/bundles", {**asked, "points": 0}, **json).status_code == 422


def test_a_film_that_is_sold_in_a_bundle_alone_leads_to_it() -> None:
    rack = Rack.open()
    Shop(rack.shop.creator, rack.shop.viewer, rack.films[1]).price({})
    page = signed_in(rack.shop.viewer).get(f"/watch/{rack.films[1].public_id}", follow=True).content.decode()
    assert "It is not sold alone, but together with others:" in page
    assert f'href="/bundles/{rack.bundle.public_id}/"' in page
    signed_in(rack.shop.creator).post(f"/studio/bundles/{rack.bundle.public_id}/end/")
    page = signed_in(rack.shop.viewer).get(f"/watch/{rack.films[1].public_id}", follow=True).content.decode()
    assert "Not open yet" in page


def test_the_panels_own_page_leads_to_the_bundles_too_also_for_watching_longer() -> None:
    rack = Rack.open()
    link = f'href="/bundles/{rack.bundle.public_id}/"'
    alone, together = (f"/unlock/{rack.films[number].public_id}/" for number in (0, 1))
    rack.alone(1, Term.DAY)
    Shop(rack.shop.creator, rack.shop.viewer, rack.films[1]).price({})
    client = signed_in(rack.shop.viewer)
    assert link in client.get(alone).content.decode()
    for headers in ({}, {"HX-Request": "true"}):
        page = client.get(together, headers=headers).content.decode()
        assert "It is not sold alone, but together with others:" in page, headers
        # The part stands above the list that is there already.
        assert (link in page) == (not headers)
    signed_in(rack.shop.creator).post(f"/studio/bundles/{rack.bundle.public_id}/end/")
    assert "cannot be unlocked for longer at the moment" in client.get(together).content.decode()


def test_the_card_of_a_film_that_only_a_bundle_sells_says_so() -> None:
    rack = Rack.open()
    alone, *others = rack.films
    Shop(rack.shop.creator, rack.shop.viewer, alone).price({})

    def notes(person: Person | None = None) -> list[tuple[bool, int | None, str]]:
        with CaptureQueriesContext(connection) as asked:
            found = billing_card_notes(person.pk if person else None, rack.films)
        assert len(asked) == 1
        rows = [found.get(film.pk, CardNote()) for film in rack.films]
        return [(row.is_in_bundle, row.points, row.unlocked_for) for row in rows]

    priced = (False, 30, "")
    assert notes() == [(True, None, ""), priced, priced]
    assert "In a bundle" in Client().get("/").content.decode()
    rack.buy()
    assert notes(rack.shop.viewer)[0] == (False, None, "Unlocked")
    # Neither a bundle that ended nor one with a film that is not on show sells anything.
    Bundle.objects.update(ended_at=timezone.now())
    assert notes()[0] == (False, None, "")
    Bundle.objects.update(ended_at=None)
    assert notes()[0] == (True, None, "")
    Video.objects.filter(pk=others[0].pk).update(state=VideoState.ARCHIVED)
    assert notes()[0] == (False, None, "")


@pytest.mark.parametrize(
    ("term", "words"), [(Term.LIFETIME, "They are yours for ever."), (Term.DAY, "Watch them until ")]
)
def test_who_bought_a_bundle_is_told_until_when(term: Term, words: str) -> None:
    rack = Rack.open(term=term)
    client = Client()
    client.force_login(rack.shop.viewer)
    answer: Any = client.post(f"/bundles/{rack.bundle.public_id}/", {"points": "100", "number": "0"}, follow=True)
    (told,) = [str(message) for message in answer.context["messages"]]
    assert told.startswith(f"Unlocked. You paid 100 points for 3 films. {words}")
