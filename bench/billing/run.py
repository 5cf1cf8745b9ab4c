"""Unlocking over HTTP, against one indexed SELECT on the same server: the same processes, middleware and database.

A client process with keep-alive connections shares the machine with the server and PostgreSQL. Each unlock is a viewer, a session and a film of
its own, so each one charges. "Hot" is all of them with one creator's one film. After a warm-up they take turns, so that none of them
alone has the machine's better or worse minute; what is printed is the median turn, and the median of what each turn says against its SELECT.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from statistics import median

from mutoscope.engines.postgres.embedded import EmbeddedServer

CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "8"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "6000"))
TURNS = int(os.environ.get("BENCH_TURNS", "10"))
CREATORS = 50
# A shop's worth of them: of fewer, PostgreSQL would rather read the whole table than look one up.
FILMS_EACH = 20
BOUGHT_BEFORE = 5
TOKEN = "a" * 32

# Whether it is an unlock, and all that is sent for it, head and body together, as browsers send a body this small.
Request = tuple[bool, bytes]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-billing-") as folder:
        home = Path(folder)
        # PostgreSQL may run as another user, who has to get in.
        home.chmod(0o755)
        server = EmbeddedServer(home / "postgres", may_create_databases=True)
        server.start()
        try:
            _measure(home, server)
        finally:
            server.stop()


def _measure(home: Path, server: EmbeddedServer) -> None:
    port = _free_port()
    os.environ.update(
        MUTOSCOPE_HOME=str(home),
        DATABASE_URL=server.url(),
        MUTOSCOPE_PORT=str(port),
        MUTOSCOPE_LOG_LEVEL="WARNING",
        DJANGO_SETTINGS_MODULE="bench.billing.settings",
    )
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    offers, many, hot = _furnish()
    _settle()
    selects = [(False, _written("GET", f"/bench/select/{offers[n % len(offers)]}")) for n in range(REQUESTS)]
    by_orm = [(False, _written("GET", f"/bench/orm/{offers[n % len(offers)]}")) for n in range(REQUESTS)]
    web = subprocess.Popen([sys.executable, "-m", "mutoscope.cli", "web"], env=os.environ, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        warm, half, turn = _parts(REQUESTS)
        _run(port, [*selects[:warm], *by_orm[:warm]])
        _run(port, [*many[:warm], *hot[:warm]])
        measured: dict[str, list[tuple[float, float]]] = {"select": [], "orm": [], "many": [], "hot": []}
        for number in range(TURNS):
            these = slice(warm + half + number * turn, warm + half + (number + 1) * turn)
            for name, requests in (("select", selects), ("orm", by_orm), ("many", many), ("hot", hot)):
                measured[name].append(_run(port, requests[these]))
        many_s = median(rate for rate, _ in measured["many"])
        _, half_p99 = _run(port, many[warm : warm + half], rate=many_s / 2)
    finally:
        web.terminate()
        web.wait(30)
    rates = {name: median(rate for rate, _ in turns) for name, turns in measured.items()}
    p99 = {name: median(p99 for _, p99 in turns) for name, turns in measured.items()}
    print(f"\n{CONNECTIONS} connections, {TURNS} turns of {turn} requests, load {os.getloadavg()[0]:.1f} at the end\n")
    print("| request | per second | p99 ms | against the SELECT |")
    print("|---|---|---|---|")
    print(f"| one indexed SELECT | {rates['select']:,.0f} | {p99['select']:.1f} | 1.00 |")
    # Turn by turn: in a better or worse minute both are quicker or slower.
    ratio = {
        name: median(of[0] / to[0] for of, to in zip(turns, measured["select"], strict=True))
        for name, turns in measured.items()
    }
    print(f"| the same by Django's ORM | {rates['orm']:,.0f} | {p99['orm']:.1f} | {ratio['orm']:.2f} |")
    print(f"| unlock, {CREATORS} creators | {rates['many']:,.0f} | {p99['many']:.1f} | {ratio['many']:.2f} |")
    of_many = f"{ratio['hot'] / ratio['many']:.2f} of many"
    print(f"| unlock, one hot creator | {rates['hot']:,.0f} | {p99['hot']:.1f} | {ratio['hot']:.2f} ({of_many}) |")
    print(f"| unlock at half its load | {rates['many'] / 2:,.0f} | {half_p99:.1f} | |")


def _parts(requests: int) -> tuple[int, int, int]:
    """How many of them warm up, how many run at half the load, and how many are a turn."""
    warm = half = requests // 8
    return warm, half, (requests - warm - half) // TURNS


def _furnish() -> tuple[list[int], list[Request], list[Request]]:
    """Films with prices, viewers with points and sessions; and the requests to come."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.db import transaction
    from tests.platform.videos.films import new_channel, new_video

    from mutoscope.engines.ledger import Transfer, credit, debit
    from mutoscope.platform.accounts.public import Person
    from mutoscope.platform.accounts.sign_in.recognition import SessionStore
    from mutoscope.platform.billing import books
    from mutoscope.platform.billing.domain.terms import Term
    from mutoscope.platform.billing.models import Offer
    from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
    from mutoscope.platform.videos.domain.life import VideoState

    with transaction.atomic():
        films = []
        for number in range(CREATORS):
            channel = new_channel(f"creator-{number}")
            for video in [new_video(channel, VideoState.PUBLISHED) for _ in range(FILMS_EACH)]:
                SetPrices().call(SetPricesInputs(channel.owner_id, video.public_id, {Term.DAY: 30}))
            films.append(video.public_id)
        people = Person.objects.bulk_create(
            Person(username=f"viewer-{n}", email=f"viewer-{n}@example.org", password="!") for n in range(REQUESTS)
        )
        sessions = []
        for person in people:
            account = books.account(books.Kind.POINTS, person.pk)
            top_up = (debit(books.account(books.Kind.ISSUED), 110), credit(account, 110))
            books.ledger().post(Transfer(f"bench:{person.pk}", top_up))
            # The first that is spent of a top-up goes the ledger's longer way. People buy more than one film with one.
            spent = (debit(account, 10), credit(books.account(books.Kind.FEES), 10))
            books.ledger().post(Transfer(f"bench:spent:{person.pk}", spent))
            session = SessionStore()
            session[SESSION_KEY] = str(person.pk)
            session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
            session[HASH_SESSION_KEY] = person.get_session_auth_hash()
            session.create()
            sessions.append(session.session_key)
        _write_history(films, [person.pk for person in people])
    offers = list(Offer.objects.values_list("id", flat=True))

    def unlock(viewer: int, film: str) -> Request:
        headers = {
            "Cookie": f"session={sessions[viewer]}; csrf={TOKEN}",
            "X-CSRFToken": TOKEN,
            "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return True, _written("POST", f"/unlock/{film}/", headers, "choice=day%3A30&version=0")

    # Of 50 creators the first is the hot one; nobody of "many" buys from it.
    many = [unlock(n, films[1 + n % (CREATORS - 1)]) for n in range(REQUESTS)]
    hot = [unlock(n, films[0]) for n in range(REQUESTS)]
    return offers, many, hot


def _written(method: str, path: str, headers: Mapping[str, str] | None = None, body: str = "") -> bytes:
    lines = {"Host": "127.0.0.1", **(headers or {}), **({"Content-Length": str(len(body))} if body else {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n{body}".encode()


def _write_history(films: list[str], people: list[int]) -> None:
    """What people bought before, as rows alone: PostgreSQL plans otherwise for a table that holds nothing, and reads it whole."""
    from django.db import connection

    # The films that each of them is about to buy are left out: the hot one, and one of the others.
    bought = [
        (people[n], films[1 + (n + further) % (CREATORS - 1)])
        for n in range(len(people))
        for further in range(1, 1 + BOUGHT_BEFORE)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH bought AS (
                SELECT b.viewer, v.id AS video, v.channel_id AS channel, o.id AS offer, b.number
                FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY b (viewer, film, number)
                JOIN videos_video v ON v.public_id = b.film JOIN billing_offer o ON o.video_id = v.id
            ), purchases AS (
                INSERT INTO billing_purchase (viewer_id, video_id, channel_id, offer_id, number, term, price_points, credit_points,
                    fee_points, creator_points, is_upgrade, bought_at, starts_at, expires_at, transfer_id, request_key)
                SELECT viewer, video, channel, offer, 0, 'day', 30, 0, 3, 27, false, now() - interval '3 days',
                    now() - interval '3 days', now() - interval '2 days', -number, '' FROM bought
            )
            INSERT INTO billing_entitlement (viewer_id, video_id, expires_at, version, changed_at)
            SELECT viewer, video, now() - interval '2 days', 1, now() - interval '3 days' FROM bought
            """,
            [[viewer for viewer, _ in bought], [film for _, film in bought]],
        )


def _settle() -> None:
    """What autovacuum would otherwise do to all that was just written, in the middle of a turn."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    connection.close()


def _run(port: int, requests: list[Request], rate: float | None = None) -> tuple[float, float]:
    """Send them all over CONNECTIONS connections, at a rate if there is one. Requests a second, and p99 in ms."""
    times: list[float] = []
    lock = threading.Lock()
    position = iter(range(len(requests)))
    began = time.perf_counter()

    def send() -> None:
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        mine = []
        while True:
            with lock:
                number = next(position, None)
            if number is None:
                break
            due = began + number / rate if rate else 0.0
            if due:
                time.sleep(max(0.0, due - time.perf_counter()))
            is_unlock, written = requests[number]
            sent = time.perf_counter()
            connection.sendall(written)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            content = answer.read()
            mine.append(time.perf_counter() - sent)
            if answer.status != 200 or (is_unlock and b"You paid 30 points" not in content):
                raise RuntimeError(f"{answer.status} for {written[:80]!r}: {content[:300]!r}")
        connection.close()
        with lock:
            times.extend(mine)

    _together(send)
    elapsed = time.perf_counter() - began
    if len(times) != len(requests):
        raise RuntimeError(f"{len(requests) - len(times)} requests failed")
    return len(times) / elapsed, sorted(times)[int(len(times) * 0.99)] * 1000


def _together(send: Callable[[], None]) -> None:
    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/livez")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not come up")


if __name__ == "__main__":
    main()
