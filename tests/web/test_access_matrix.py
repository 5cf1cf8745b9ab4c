"""Who gets what at every address of the site: docs/access.md, really asked. An address that is not declared there fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests.web.world import OPERATOR, SIGNING_IN, SITE, World, open_world

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
# Django's admin brings an address for each table and action. The page declares the lists; the rest follows them.
BELOW = "operator/"

# What is sent, where the answer depends on it. Everything else is asked with nothing.
BODIES: dict[str, Any] = {
    "POST /unlock/{film}/": {"choice": "day:30", "version": "1"},
    "POST /unlock/{draft}/": {"choice": "day:30", "version": "0"},
    "POST /unlock/{withdrawn}/": {"choice": "day:30", "version": "0"},
    "POST /unlock/{taken-down}/": {"choice": "day:30", "version": "1"},
    "POST /tip/{film}/": {"points": "5", "request_key": "matrix"},
    "POST /studio/films/{film}/": {"title": "Another title", "description": ""},
    "POST /studio/films/{film}/show/": {"state": "unlisted"},
    "POST /studio/films/{taken-down}/show/": {"state": "published"},
    "POST /operator/videos/video/999999999/decide/take-down/": {"reason": "why", "confirmed": "yes"},
    "POST /operator/videos/video/999999999/decide/lift/": {"reason": "why", "confirmed": "yes"},
    "POST /studio/films/{film}/cover/": {"cover": "1"},
    "POST /studio/films/{film}/price/": {"day": "10"},
    # Of films that are nobody's.
    "POST /api/billing/bundles": {"title": "Two", "films": ["a" * 12, "b" * 12], "term": "day", "points": 9},
    "POST /bundles/{bundle}/": {"points": "100", "number": "0"},
    "POST /api/billing/bundles/{bundle}/unlock": {"agreed_points": 100},
    "POST /studio/coupons/": {"code": "MATRIX", "amount": "10", "what": "percent"},
    "POST /api/billing/coupons": {"code": "MATRIX", "percent": 10},
    "POST /studio/earnings/payouts/": {"points": "50", "request_key": "matrix"},
    "POST /api/billing/films/{film}/unlock": {"term": "day", "agreed_points": 30},
    "POST /api/billing/films/{film}/tips": {"points": 5},
    "PUT /api/billing/films/{film}/prices": {"day": 10},
    "POST /api/billing/payouts": {"points": 50},
    "POST /api/billing/top-ups/{top-up}/refunds": {},
    "POST /api/billing/top-ups/{top-up}/refund-addresses": {"address": "somewhere"},
    "PATCH /uploads/{upload}": b"abc",
    "POST /playbacks/{playback}/beats": '{"position_ms": 1000, "stretches": [], "is_last": false}',
    "POST /history/choice/": {"keeps_history": "on"},
    "POST /account/email/": {"action_add": "", "email": "matrix@example.org"},
}
# These answer players, uploads and counters. A page of another site can make a browser send neither their headers nor their tokens.
WITHOUT_TOKEN = {
    *(f"POST /playbacks/of/{{{film}}}" for film in ("film", "draft", "withdrawn")),
    "POST /playbacks/{playback}/beats",
    "POST /visits/{film}",
}


def declared() -> dict[str, dict[str, str]]:
    """What docs/access.md says: for each method and address the answer for each kind of person in the table's head."""
    rows: dict[str, dict[str, str]] = {}
    kinds: list[str] = []
    for line in PAGE.read_text().splitlines():
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if first == "Address":
            kinds = cells
            assert tuple(kinds) in (SITE, SIGNING_IN, OPERATOR)
        elif line.startswith("| `"):
            asked = first.strip("`")
            assert asked not in rows, f"docs/access.md says {asked} twice"
            rows[asked] = dict(zip(kinds, cells, strict=True))
    return rows


def every_route(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        # Joined as `resolve` does it.
        route = before + str(pattern.pattern).removeprefix("^" if before else "")
        if isinstance(pattern, URLResolver):
            yield from every_route(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all tests of this module: none of them changes it."""
    with django_db_blocker.unblock(), transaction.atomic():
        with open_world(tmp_path_factory.mktemp("matrix")) as opened:
            yield opened
        transaction.set_rollback(True)


def test_every_address_is_asked_as_everybody(world: World) -> None:
    wrong, routes = [], set()
    for asked, expected in declared().items():
        method, template = asked.split()
        routes.add(resolve(world.address(template, "viewer").partition("?")[0]).route)
        got = {kind: world.ask(kind, method, template, BODIES.get(asked)) for kind in expected}
        if got != expected:
            wrong.append(f"| `{asked}` | {' | '.join(got.values())} |")
    assert not wrong, "the site answers otherwise than docs/access.md says:\n" + "\n".join(wrong)
    undeclared = {route for route in every_route() if not route.startswith(BELOW)} - routes
    assert not undeclared, "say in docs/access.md who gets what at these new addresses"


def test_nothing_changes_without_a_token_of_this_site(world: World) -> None:
    """As another site's page would ask, with the cookies of somebody who may."""
    strict_clients = {}
    for kind in ("owner", "buyer"):
        strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
        strict.cookies = world.clients[kind].cookies
        strict_clients[kind] = strict
    elsewhere = replace(world, clients=strict_clients)
    open_to_others = set()
    for asked, answers in declared().items():
        method, template = asked.split()
        kind = "owner" if answers.get("owner", "404") < "400" else "buyer"
        if method in ("GET", "HEAD") or answers.get(kind, "404") >= "400":
            continue
        if elsewhere.ask(kind, method, template, BODIES.get(asked)) != "403":
            open_to_others.add(asked)
    assert open_to_others == WITHOUT_TOKEN


def test_what_is_below_a_table_follows_the_table(world: World) -> None:
    """Whoever may not see a table's list is refused at each other address of the table."""
    lists = {asked.split()[1]: answers for asked, answers in declared().items()}
    for route in every_route():
        if not route.startswith(BELOW):
            continue
        path = "/" + re.sub(r"\(\?P<(\w+)>.*", "x", re.sub(r"<[^>]+>", "1", route).rstrip("$"))
        table = "/".join(path.split("/")[:4]) + "/"
        answers = lists.get(table, lists["/operator/"])
        for kind in answers:
            if answers[kind] not in ("200", "302"):
                assert world.ask(kind, "GET", path) in ("302", "403", "404", "sign in"), (kind, path)
