"""Players that cannot send a header, as Safari's built-in one: their browser's cookies say what they play."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F
from django.test import Client

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.videos.models import KeyPeriod, Video
from mutoscope.platform.videos.watch.models import Playback
from mutoscope.platform.videos.watch.playback.endpoints import COOKIE_PREFIX, COOKIES_MAX, FILMS_COOKIE
from tests.people import make_channel, make_person
from tests.platform.videos.watch.players import kind
from tests.platform.videos.watch.screenings import BoxOffice, new_film

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("films_folder")]


class Browser:
    """Keeps cookies as RFC 6265 says: by name and path, sent where they belong, the oldest first; set anew, one keeps its age."""

    def __init__(self, person: Person) -> None:
        signed_in = Client()
        signed_in.force_login(person)
        name = settings.SESSION_COOKIE_NAME
        self.jar: dict[tuple[str, str], str] = {(name, "/"): signed_in.cookies[name].value}

    def cookies_for(self, address: str) -> dict[str, str]:
        return {name: value for (name, path), value in self.jar.items() if address.startswith(path)}

    def ask(self, method: str, address: str, **headers: str) -> Any:
        sent = "; ".join(f"{name}={value}" for name, value in self.cookies_for(address).items())
        answer = Client().generic(method, address, headers={"Cookie": sent, **headers})
        for name, morsel in answer.cookies.items():
            if morsel["max-age"] == 0:
                self.jar.pop((name, morsel["path"]), None)
            else:
                self.jar[name, morsel["path"]] = morsel.value
        return answer

    def begin(self, film: Video) -> Any:
        return self.ask("POST", f"/playbacks/of/{film.public_id}", **{"X-Playback": "begin"})

    def key(self, film: Video) -> Any:
        return self.ask("GET", f"/keys/{KeyPeriod.objects.get(edition=film.edition, number=0).public_id}")


def an_hour_passes() -> None:
    hour = timedelta(hours=1)
    Playback.objects.update(beat_at=F("beat_at") - hour, began_at=F("began_at") - hour, keys_at=F("keys_at") - hour)


@pytest.fixture
def films(films_folder: Path) -> list[Video]:
    channel = make_channel(make_person("nora"))
    return [new_film(channel, title=f"Film {number}", subtitles=False) for number in range(10)]


def test_ten_films_play_one_after_the_other_by_cookies_alone(films: list[Video], box_office: BoxOffice) -> None:
    person = make_person("petra")
    browser = Browser(person)
    for film in films:
        box_office.unlock(person.pk, film.pk)
        assert browser.begin(film).status_code == 200
        assert browser.key(film).status_code == 200, film.title
        an_hour_passes()
    # The first again, whose cookie is long gone; and one of those that are there, which keeps its age.
    for film in (films[0], films[5]):
        assert browser.begin(film).status_code == 200
        assert browser.key(film).status_code == 200, film.title
        an_hour_passes()


def test_a_browser_keeps_the_last_few_and_sends_them_to_keys_alone(films: list[Video], box_office: BoxOffice) -> None:
    person = make_person("petra")
    browser = Browser(person)
    for film in films:
        box_office.unlock(person.pk, film.pk)
        browser.begin(film)
        an_hour_passes()
    playbacks = {name for name in browser.cookies_for("/keys/x") if name.startswith(COOKIE_PREFIX)}
    assert playbacks == {COOKIE_PREFIX + film.public_id for film in films[-COOKIES_MAX:]}
    assert set(browser.cookies_for("/watch/x")) == {settings.SESSION_COOKIE_NAME}
    assert set(browser.cookies_for("/playbacks/of/x")) == {settings.SESSION_COOKIE_NAME, FILMS_COOKIE}
    assert kind(browser.key(films[0])) == "other-film", "the oldest has gone: its player begins again"


@pytest.mark.parametrize("said", ["", "....", "x" * 5000, "b" * 12, ".".join(["b" * 12] * 300), "'; --"])
def test_what_a_browser_makes_up_about_its_films_does_no_harm(
    films: list[Video], box_office: BoxOffice, said: str
) -> None:
    person = make_person("petra")
    box_office.unlock(person.pk, films[0].pk)
    browser = Browser(person)
    browser.jar[FILMS_COOKIE, "/playbacks/of/"] = said
    assert browser.begin(films[0]).status_code == 200
    assert browser.key(films[0]).status_code == 200
    assert len(browser.jar[FILMS_COOKIE, "/playbacks/of/"].split(".")) <= COOKIES_MAX
