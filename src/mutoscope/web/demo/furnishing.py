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
from datetime import timedelta
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from mutoscope.platform.accounts.public import AddPerson, AddPersonInputs, Channel, Person
from mutoscope.platform.billing.public import Pack, right_of
from mutoscope.platform.videos.public import PLAYABLE, Video, VideoState
from mutoscope.web.demo.drawing import draw
from mutoscope.web.demo.film_list import FILMS, DemoFilm
from mutoscope.web.demo.guest import Guest, SiteRefused
from mutoscope.web.demo.people import HANDLE, ROLES
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
            _sell(films, say)
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


def _sell(films: Sequence[DemoFilm], say: Say) -> None:
    """Everybody pays first, then all wait for finality together, then they spend."""
    titles = {film.title for film in films}
    videos = {video.title: video for video in Video.objects.filter(title__in=titles, state__in=PLAYABLE)}
    with contextlib.ExitStack() as open_sessions:
        audience = [(sale, open_sessions.enter_context(Guest(_person(sale.username)))) for sale in SALES]
        say("points: paying on the sandbox chain")
        payments = [(sale, guest, _pay(guest, sale)) for sale, guest in audience]
        say("points: waiting until the payments are final")
        for sale, guest, address in payments:
            _await_credit(guest, sale, address)
        say("sales and tips")
        for sale, guest in audience:
            for title, choice in sale.unlocks.items():
                if title in videos:
                    _unlock(guest, videos[title], choice)
        guests = {sale.username: guest for sale, guest in audience}
        for tip in TIPS:
            if tip.title in videos:
                _tip(guests[tip.username], videos[tip.title], tip)
    _spread_over_the_past([sale.username for sale in SALES if sale.is_old])


def _person(username: str) -> Person:
    found = Person.objects.filter(username=username).first()
    if found is None:
        found = AddPerson().call(AddPersonInputs(username=username, email=f"{username}@example.org")).person
    return found


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


def _spread_over_the_past(usernames: list[str]) -> None:
    """Date the play money's sales back: a chart needs days, and a payout earnings that are old enough. Rentals end that much
    earlier with them. The ledger keeps its own dates, which nobody can change."""
    recent = {"viewer__username__in": usernames}
    since = timezone.now() - timedelta(days=1)
    purchase, tip, entitlement = (apps.get_model("billing", name) for name in ("Purchase", "Tip", "Entitlement"))
    with transaction.atomic():
        for number, row in enumerate(purchase.objects.filter(**recent, bought_at__gt=since).order_by("pk")):
            back = _days_back(number)
            # An end that is null is for ever, and stays so.
            moved = {name: F(name) - back for name in ("bought_at", "starts_at", "expires_at")}
            purchase.objects.filter(pk=row.pk).update(**moved)
            had = entitlement.objects.filter(viewer_id=row.viewer_id, video_id=row.video_id)
            had.update(expires_at=F("expires_at") - back)
        for number, row in enumerate(tip.objects.filter(**recent, given_at__gt=since).order_by("pk")):
            tip.objects.filter(pk=row.pk).update(given_at=F("given_at") - _days_back(number))


def _days_back(number: int) -> timedelta:
    """Scattered over the two weeks before the delay."""
    return timedelta(days=settings.PAYOUT_DELAY_DAYS + 1 + number * 5 % 17, hours=number * 7 % 23)


def _await(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise Gave(f"{otherwise} within {PATIENCE_S:.0f} s")
        time.sleep(LOOK_EVERY_S)
