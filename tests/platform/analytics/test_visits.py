"""Visits are counted, and nothing is kept of whose they were."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mutoscope.platform.analytics.models import FilmDay, Visits
from mutoscope.platform.analytics.visits.counting import SLOTS
from mutoscope.platform.analytics.visits.crawlers import is_program
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Video
from tests.people import make_person
from tests.platform.analytics.audience import BROWSER, add_up, visit
from tests.platform.billing.shop import Shop
from tests.platform.videos.films import new_video
from tests.platform.videos.watch.screenings import new_film

pytestmark = pytest.mark.django_db


@pytest.fixture
def film() -> Video:
    return Shop.open(points=0).video


def counted(film: Video) -> tuple[int, int, int]:
    add_up()
    day = FilmDay.objects.filter(video=film).first()
    return (0, 0, 0) if day is None else (day.pages, day.prices, day.trailers)


def test_pages_prices_and_trailers_are_counted_apart(film: Video) -> None:
    for what in ("page", "price", "price", "trailer"):
        assert visit(film, what) == 204
    assert counted(film) == (3, 2, 1)


def test_no_more_rows_than_slots_whatever_the_visits(film: Video) -> None:
    for _ in range(3 * SLOTS):
        visit(film)
    assert Visits.objects.count() <= SLOTS
    assert counted(film) == (48, 48, 0)
    assert not Visits.objects.exists()


def test_a_visit_is_one_statement(film: Video) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        visit(film)
    assert len(queries) == 1


def test_no_column_could_name_anybody() -> None:
    columns = {field.name for model in (Visits, FilmDay) for field in model._meta.fields}
    assert columns == {
        *("pk", "video", "day", "slot", "pages", "prices", "trailers"),
        *("plays", "half", "finished", "shown_ms", "shown"),
    }


def test_a_creators_own_visits_do_not_count(film: Video) -> None:
    assert visit(film, person=film.channel.owner) == 204
    assert visit(film, person=make_person("petra")) == 204
    assert counted(film) == (1, 1, 0)


@pytest.mark.parametrize("state", [VideoState.READY, VideoState.ARCHIVED, VideoState.DRAFT])
def test_a_film_that_nobody_else_can_see_has_no_visits(film: Video, state: VideoState) -> None:
    hidden = new_video(film.channel, state)
    assert visit(hidden) == 204
    assert counted(hidden) == (0, 0, 0)


def test_an_unknown_film_is_no_error_and_no_row() -> None:
    answer = Client().post("/visits/abcdefghjkmn", headers={"X-Visit": "page", "User-Agent": BROWSER})
    assert answer.status_code == 204
    assert not Visits.objects.exists()


@pytest.mark.parametrize("said", ["", "unlock", "page,price", "PAGE"])
def test_other_words_are_refused_with_the_headers_name(film: Video, said: str) -> None:
    answer = Client().post(f"/visits/{film.public_id}", headers={"X-Visit": said, "User-Agent": BROWSER})
    assert (answer.status_code, b"X-Visit" in answer.content) == (400, True)


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
        "facebookexternalhit/1.1",
        "Slackbot-LinkExpanding 1.0",
        "curl/8.5.0",
        "python-requests/2.32",
        "Mozilla/5.0 (compatible; Baiduspider-render/2.0)",
    ],
)
def test_programs_do_not_count(film: Video, user_agent: str) -> None:
    assert is_program(user_agent)
    assert visit(film, user_agent=user_agent) == 204
    assert counted(film) == (0, 0, 0)


@pytest.mark.parametrize(
    "user_agent",
    [
        BROWSER,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0",
        # A telephone's name, not a robot's.
        "Mozilla/5.0 (Linux; Android 13; CUBOT X50) AppleWebKit/537.36 Chrome/139.0.0.0 Mobile Safari/537.36",
    ],
)
def test_browsers_count(user_agent: str) -> None:
    assert not is_program(user_agent)


def test_the_page_asks_to_be_counted_by_everybody_but_its_creator_and_programs(film: Video) -> None:
    film = new_film(film.channel)
    address = f"/watch/{film.public_id}/the-salt-road-at-night"
    asks = f'data-address="/visits/{film.public_id}" data-what="price"'
    anonymous, creator = Client(), Client()
    creator.force_login(film.channel.owner)
    assert asks in anonymous.get(address, headers={"User-Agent": BROWSER}).content.decode()
    assert "/visits/" not in anonymous.get(address, headers={"User-Agent": "Googlebot/2.1"}).content.decode()
    assert "/visits/" not in creator.get(address, headers={"User-Agent": BROWSER}).content.decode()


def test_whoever_may_watch_is_no_visit_of_the_price(film: Video) -> None:
    film = new_film(film.channel, is_free=True)
    page = Client().get(f"/watch/{film.public_id}/the-salt-road-at-night", headers={"User-Agent": BROWSER})
    assert 'data-what="page"' in page.content.decode()
