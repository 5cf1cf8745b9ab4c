"""Furnishing a fresh sandbox with films, points, sales and tips, all of it by using the running site.

Each step looks first whether it was done: who kills this at any moment and starts it again gets the rest, and nothing twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from mutoscope.platform.accounts.public import Channel, Person
from mutoscope.platform.billing.public import Pack, right_of
from mutoscope.platform.videos.public import PLAYABLE, Video, VideoState
from mutoscope.web.demo.drawing import draw
from mutoscope.web.demo.film_list import FILMS, DemoFilm
from mutoscope.web.demo.guest import Guest, SiteRefused
from mutoscope.web.demo.past import live_through_the_past
from mutoscope.web.demo.people import HANDLE, ROLES, person_named
from mutoscope.web.demo.sales import SALES, TIPS, Sale, TipGiven

LOOK_EVERY_S = 0.3
# A small machine that does much else besides.
PATIENCE_S = 600.0
# A quote that ran out is asked for again, so many times.
QUOTES_MAX = 5
DONE_FILE, LOCK_FILE = "demo-furnished.json", "demo.lock"

Say = Callable[[str], None]


class Gave(Exception):
    """It did not come to an end within the patience. What was done stays; the next start goes on."""


def is_furnished(home: Path) -> bool:
    """Whether this sandbox's creator has got everything already, and may since have thrown it away."""
    try:
        done = json.loads((home / DONE_FILE).read_text())
    except (OSError, ValueError):
        return False
    return bool(done == _mark())


def furnish_films(home: Path, count: int, say: Say) -> None:
    """Make what is missing of the first `count` films, and then of purchases and tips. The site has to be running.

    Raises Gave, CannotDraw, SiteRefused, and httpx's errors where the site does not answer. Takes about a minute for six.
    """
    with _alone(home, say):
        if is_furnished(home):
            say("furnished")
            return
        films = FILMS[:count]
        creator = Person.objects.get(username=ROLES["creator"])
        with Guest(creator) as owner:
            for number, film in enumerate(films, 1):
                _furnish_film(owner, film, f"film {number} of {len(films)}", say)
            _sell(films, creator.date_joined, say)
            _show_tips(owner)
        (home / DONE_FILE).write_text(json.dumps(_mark()) + "\n")
        say(f"{len(films)} film{'s' * (len(films) > 1)}, points bought, sales and tips")


def _mark() -> dict[str, str]:
    """What tells this database's demo from that of another which the folder knew before."""
    creator = Person.objects.filter(username=ROLES["creator"]).first()
    return {"creator": f"{creator.pk} {creator.date_joined.isoformat()}" if creator else ""}


@contextlib.contextmanager
def _alone(home: Path, say: Say) -> Iterator[None]:
    """Two at once would make films twice. The kernel's lock ends with its process."""
    with (home / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another one that furnishes already")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _furnish_film(owner: Guest, film: DemoFilm, words: str, say: Say) -> None:
    video = _draft(film)
    if video.state in (VideoState.DRAFT, VideoState.UPLOADING):
        with tempfile.TemporaryDirectory(prefix="demo-", dir=settings.HOME) as folder:
            say(f"{words}: drawing {film.title}")
            drawn = draw(film, Path(folder))
            say(f"{words}: uploading {film.title}")
            begun = video.uploads.filter(state="open").first()
            if begun is not None and begun.length_bytes != drawn.stat().st_size:
                # Drawn by another ffmpeg this time: what was sent does not fit to it. The empty draft goes with it.
                owner.end_upload(reverse("upload", args=[begun.token]))
                begun, video = None, _draft(film)
            address = reverse("upload", args=[begun.token]) if begun else owner.begin_upload(drawn, video.public_id)
            owner.go_on_uploading(drawn, address)
    say(f"{words}: encoding {film.title}")
    _await(lambda: _state(video) not in (VideoState.UPLOADING, VideoState.PROCESSING), f"{film.title} was not encoded")
    if _state(video) is not VideoState.READY:
        # Published already, or its creator has decided otherwise.
        return
    page = reverse("studio-film", args=[video.public_id])
    owner.send(page, title=film.title, description=film.about)
    prices = {name: str(points) for name, points in film.prices.items()} or {"is_free": "on"}
    owner.send(reverse("film-price", args=[video.public_id]), **prices)
    owner.send(reverse("studio-show", args=[video.public_id]), state=VideoState.PUBLISHED.value)


def _draft(film: DemoFilm) -> Video:
    """The film's row, which comes before its file: it is what a second attempt finds."""
    return Video.objects.get_or_create(channel=Channel.objects.get(handle=HANDLE), title=film.title)[0]


def _state(video: Video) -> VideoState:
    return VideoState(Video.objects.values_list("state", flat=True).get(pk=video.pk))


def _sell(films: Sequence[DemoFilm], opened_at: datetime, say: Say) -> None:
    """Everybody pays first, then all wait for finality together, then they spend: most of it weeks ago."""
    titles = {film.title for film in films}
    videos = {video.title: video for video in Video.objects.filter(title__in=titles, state__in=PLAYABLE)}
    with contextlib.ExitStack() as open_sessions:
        audience = [(sale, open_sessions.enter_context(Guest(person_named(sale.username)))) for sale in SALES]
        say("points: paying on the sandbox chain")
        payments = [(sale, guest, _pay(guest, sale)) for sale, guest in audience]
        say("points: waiting until the payments are final")
        for sale, guest, address in payments:
            _await_credit(guest, sale, address)
        say("sales and tips of the last weeks")
        live_through_the_past(opened_at, videos)
        say("sales and tips")
        # Those of today; the others are history by now.
        guests = {sale.username: (sale, guest) for sale, guest in audience if not sale.is_old}
        for sale, guest in guests.values():
            for title, choice in sale.unlocks.items():
                if title in videos:
                    _unlock(guest, videos[title], choice)
        for tip in TIPS:
            if tip.title in videos and tip.username in guests:
                _tip(guests[tip.username][1], videos[tip.title], tip)


def _pay(guest: Guest, sale: Sale, quote: int = 1) -> str:
    """Order the pack and pay it with play money; the payment's address. The same order again is the same payment."""
    pack = Pack.objects.filter(points=sale.pack_points).order_by("pk").first()
    if pack is None:
        raise Gave(f"no pack of {sale.pack_points} points is on sale")
    form = {"pack": str(pack.pk), "token": sale.token, "key": f"demofurnishing{quote}"}
    ordered: list[str] = []

    def order() -> bool:
        try:
            ordered.append(guest.send(reverse("top-up"), **form).headers["Location"])
        except SiteRefused:
            # The signer is still making the addresses that payments arrive at.
            return False
        return True

    _await(order, "the site takes no payments")
    address = ordered[0]
    # Paid already, or paid just now: the page knows, and pays nothing twice.
    guest.send(f"{address}play/")
    return address


def _await_credit(guest: Guest, sale: Sale, address: str, quote: int = 1) -> None:
    def is_credited() -> bool:
        return "points are yours" in guest.get(address).text

    def is_over() -> bool:
        # While something may still come, the page asks for news.
        return is_credited() or f"{address}standing/" not in guest.get(address).text

    _await(is_over, f"the payment of {sale.username} was not credited")
    if is_credited():
        return
    if quote == QUOTES_MAX:
        raise Gave(f"no payment of {sale.username} was credited")
    _await_credit(guest, sale, _pay(guest, sale, quote + 1), quote + 1)


def _unlock(guest: Guest, video: Video, choice: str) -> None:
    if not right_of(guest.person.pk, video.pk).has_entitlement:
        guest.send(reverse("unlock", args=[video.public_id]), choice=choice, version="0")


def _tip(guest: Guest, video: Video, tip: TipGiven) -> None:
    # The key makes the second giving of the same tip none.
    form = {"points": str(tip.points), "note": tip.note, "may_be_shown": "on", "request_key": f"demo-{video.public_id}"}
    guest.send(reverse("tip", args=[video.public_id]), **form)


def _show_tips(owner: Guest) -> None:
    """The creator lets the notes stand under the films."""
    page = owner.get(reverse("earnings")).text
    for number in re.findall(r"/studio/earnings/tips/(\d+)/", page):
        owner.send(reverse("tip-choice", args=[number]), is_shown="yes")


def _await(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise Gave(f"{otherwise} within {PATIENCE_S:.0f} s")
        time.sleep(LOOK_EVERY_S)
