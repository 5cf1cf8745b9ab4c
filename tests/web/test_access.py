"""What staff can do with the operator pages, and what nobody can. Who gets what at which address: test_access_matrix.py."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from mutoscope.platform.accounts.models import Person
from mutoscope.platform.videos.domain.places import PUBLIC_ID, TOKEN
from tests.people import make_channel, make_person

VISITORS = ("anonymous", "person", "creator", "staff", "superuser")

OPEN = (200, 200, 200, 200, 200)
SIGNED_IN = (302, 200, 200, 200, 200)
# Something to sign in with: whoever is signed in already is sent on.
ENTRANCE = (200, 302, 302, 302, 302)
# Something that only makes sense in the middle of a flow: everybody is sent to its beginning.
AWAY = (302, 302, 302, 302, 302)
# Asks for the password once more before it shows anything.
ASKS_AGAIN = (302, 302, 302, 302, 302)
# These people have set nothing up.
NOTHING_THERE = (302, 404, 404, 404, 404)
# Takes POST alone.
POSTED = (302, 405, 405, 405, 405)
FILM = "studio/films/<video:public_id>/"
MISSING = (404, 404, 404, 404, 404)
API = (401, 200, 200, 200, 200)
NOT_FOR_GET = (405, 405, 405, 405, 405)
OPERATORS = (302, 403, 403, 403, 200)
# Staff without the role that the table needs.
OPERATORS_ANY = (302, 403, 403, 200, 200)

POSTED_BY_PLAYERS = (405, 405, 405, 405, 405)
WATCHED = f"(?P<public_id>{PUBLIC_ID.pattern})"

# Route as Django names it: (a path to try, expected status for each of VISITORS).
ROUTES: dict[str, tuple[str, tuple[int, ...]]] = {
    "": ("/", OPEN),
    "livez": ("/livez", OPEN),
    "readyz": ("/readyz", OPEN),
    # In the sandbox, to this machine; test_observe.py has the rest.
    "metrics": ("/metrics", OPEN),
    "^@(?P<handle>[A-Za-z0-9_-]{1,40})$": ("/@northlight", OPEN),
    "studio/": ("/studio/", (302, 302, 200, 302, 302)),
    "studio/rows/": ("/studio/rows/", (302, 404, 200, 404, 404)),
    f"{FILM}": ("/studio/films/bcdfghjkmnpq/", NOTHING_THERE),
    f"{FILM}standing/": ("/studio/films/bcdfghjkmnpq/standing/", NOTHING_THERE),
    f"{FILM}show/": ("/studio/films/bcdfghjkmnpq/show/", POSTED),
    f"{FILM}retry/": ("/studio/films/bcdfghjkmnpq/retry/", POSTED),
    f"{FILM}discard/": ("/studio/films/bcdfghjkmnpq/discard/", POSTED),
    f"{FILM}cover/": ("/studio/films/bcdfghjkmnpq/cover/", POSTED),
    f"{FILM}covers/<int:number>.jpg": ("/studio/films/bcdfghjkmnpq/covers/1.jpg", NOTHING_THERE),
    f"{FILM}trailer/": ("/studio/films/bcdfghjkmnpq/trailer/", POSTED),
    f"{FILM}subtitles/": ("/studio/films/bcdfghjkmnpq/subtitles/", POSTED),
    f"{FILM}subtitles/<int:number>/remove/": ("/studio/films/bcdfghjkmnpq/subtitles/1/remove/", POSTED),
    # By tus alone: a plain GET has no version, and is told so.
    "uploads/": ("/uploads/", (412, 412, 412, 412, 412)),
    "^uploads/(?P<token>[a-z0-9]{24})$": ("/uploads/bcdfghjkmnpqrstvwxyz2345", (412, 412, 412, 412, 412)),
    "studio/channel/": ("/studio/channel/", (302, 302, 200, 302, 302)),
    "studio/channel/open/": ("/studio/channel/open/", (302, 200, 302, 200, 200)),
    r"^media/avatars/(?P<name>[a-z0-9_-]{2}/[A-Za-z0-9_-]{20,40}\.webp)$": (
        "/media/avatars/aa/aaaaaaaaaaaaaaaaaaaaaaaa.webp",
        MISSING,
    ),
    # Points and prices. There is no film: what one sees of a film is in platform/billing/test_access_matrix.py.
    "^unlock/(?P<public_id>[a-z0-9]{12})/$": ("/unlock/bcdfghjkmnpq/", MISSING),
    "^tip/(?P<public_id>[a-z0-9]{12})/shown/$": ("/tip/bcdfghjkmnpq/shown/", (404, 404, 404, 404, 404)),
    "^tip/(?P<public_id>[a-z0-9]{12})/$": ("/tip/bcdfghjkmnpq/", (302, 404, 404, 404, 404)),
    "wallet/": ("/wallet/", SIGNED_IN),
    "wallet/statement.csv": ("/wallet/statement.csv", SIGNED_IN),
    "wallet/top-up/": ("/wallet/top-up/", SIGNED_IN),
    "wallet/top-ups/<slug:public_id>/": ("/wallet/top-ups/bcdfghjkmnpqrstvwxyz23/", (302, 404, 404, 404, 404)),
    "wallet/top-ups/<slug:public_id>/standing/": (
        "/wallet/top-ups/bcdfghjkmnpqrstvwxyz23/standing/",
        (302, 404, 404, 404, 404),
    ),
    "wallet/top-ups/<slug:public_id>/play/": (
        "/wallet/top-ups/bcdfghjkmnpqrstvwxyz23/play/",
        (302, 405, 405, 405, 405),
    ),
    "library/": ("/library/", SIGNED_IN),
    "^studio/films/(?P<public_id>[a-z0-9]{12})/price/$": (
        "/studio/films/bcdfghjkmnpq/price/",
        (302, 404, 404, 404, 404),
    ),
    "studio/earnings/": ("/studio/earnings/", (302, 302, 200, 302, 302)),
    r"^studio/earnings/statement\.(?P<kind>csv|json)$": ("/studio/earnings/statement.csv", (302, 404, 200, 404, 404)),
    "studio/earnings/address/": ("/studio/earnings/address/", (302, 404, 200, 404, 404)),
    "studio/earnings/address/name/": ("/studio/earnings/address/name/", (302, 405, 405, 405, 405)),
    "studio/earnings/address/<slug:nonce>/": (
        "/studio/earnings/address/bcdfghjkmnpqrstvwxyz23/",
        (302, 404, 404, 404, 404),
    ),
    "studio/earnings/address/<slug:nonce>/prove/": (
        "/studio/earnings/address/bcdfghjkmnpqrstvwxyz23/prove/",
        (302, 405, 405, 405, 405),
    ),
    "studio/earnings/payouts/": ("/studio/earnings/payouts/", (302, 405, 405, 405, 405)),
    "studio/earnings/payouts/<int:number>/cancel/": (
        "/studio/earnings/payouts/1/cancel/",
        (302, 405, 405, 405, 405),
    ),
    "studio/earnings/tips/<int:number>/": ("/studio/earnings/tips/1/", (302, 405, 405, 405, 405)),
    # The API answers 401 with a problem document; what a GET is not for is 405.
    "api/billing/openapi.json": ("/api/billing/openapi.json", OPEN),
    "api/billing/": ("/api/billing/", MISSING),
    "api/billing/balance": ("/api/billing/balance", API),
    "api/billing/statement": ("/api/billing/statement", API),
    "api/billing/packs": ("/api/billing/packs", API),
    "api/billing/library": ("/api/billing/library", API),
    "api/billing/films/<public_id>": ("/api/billing/films/bcdfghjkmnpq", (401, 404, 404, 404, 404)),
    "api/billing/films/<public_id>/unlock": ("/api/billing/films/bcdfghjkmnpq/unlock", NOT_FOR_GET),
    "api/billing/films/<public_id>/tips": ("/api/billing/films/bcdfghjkmnpq/tips", NOT_FOR_GET),
    "api/billing/films/<public_id>/prices": ("/api/billing/films/bcdfghjkmnpq/prices", NOT_FOR_GET),
    "api/billing/earnings": ("/api/billing/earnings", (401, 404, 200, 404, 404)),
    "api/billing/earnings/statement": ("/api/billing/earnings/statement", (401, 404, 200, 404, 404)),
    "api/billing/payouts": ("/api/billing/payouts", (401, 404, 200, 404, 404)),
    # Watching; what is there for whom is tested in tests/platform/videos/watch.
    f"^watch/{WATCHED}/?$": ("/watch/bcdfghjkmnpq", MISSING),
    f"^watch/{WATCHED}/(?P<slug>[a-z0-9_-]{{1,120}})/?$": ("/watch/bcdfghjkmnpq/a-title", MISSING),
    rf"^watch/{WATCHED}/chapters\.vtt$": ("/watch/bcdfghjkmnpq/chapters.vtt", MISSING),
    f"^films/{WATCHED}/(?P<path>[A-Za-z0-9._/-]+)$": ("/films/bcdfghjkmnpq/covers/a.jpg", MISSING),
    f"^playbacks/of/{WATCHED}$": ("/playbacks/of/bcdfghjkmnpq", POSTED_BY_PLAYERS),
    f"^playbacks/(?P<token>{TOKEN.pattern})/beats$": (f"/playbacks/{'b' * 24}/beats", POSTED_BY_PLAYERS),
    f"^keys/(?P<key_id>{TOKEN.pattern})$": (f"/keys/{'b' * 24}", MISSING),
    f"^embed/{WATCHED}$": ("/embed/bcdfghjkmnpq", MISSING),
    "oembed": ("/oembed", MISSING),
    "history/": ("/history/", SIGNED_IN),
    "history/choice/": ("/history/choice/", (302, 405, 405, 405, 405)),
    "history/clear/": ("/history/clear/", (302, 405, 405, 405, 405)),
    f"^history/{WATCHED}/forget/$": ("/history/bcdfghjkmnpq/forget/", (302, 405, 405, 405, 405)),
    "outbox/": ("/outbox/", OPEN),
    "outbox/<int:number>/": ("/outbox/1/", MISSING),
    "gallery/": ("/gallery/", OPEN),
    # Signing in
    "account/signup/": ("/account/signup/", ENTRANCE),
    "account/login/": ("/account/login/", ENTRANCE),
    "account/logout/": ("/account/logout/", SIGNED_IN),
    "account/inactive/": ("/account/inactive/", OPEN),
    "account/reauthenticate/": ("/account/reauthenticate/", SIGNED_IN),
    "account/email/": ("/account/email/", SIGNED_IN),
    "account/confirm-email/": ("/account/confirm-email/", OPEN),
    "account/^confirm-email/(?P<key>[-:\\w]+)/$": ("/account/confirm-email/nonsense/", OPEN),
    "account/password/change/": ("/account/password/change/", SIGNED_IN),
    "account/password/set/": ("/account/password/set/", AWAY),
    "account/password/reset/": ("/account/password/reset/", OPEN),
    "account/password/reset/done/": ("/account/password/reset/done/", OPEN),
    "account/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": ("/account/password/reset/key/1-x/", OPEN),
    "account/password/reset/key/done/": ("/account/password/reset/key/done/", OPEN),
    "account/login/code/confirm/": ("/account/login/code/confirm/", AWAY),
    "account/two-step/": ("/account/two-step/", SIGNED_IN),
    "account/two-step/authenticate/": ("/account/two-step/authenticate/", AWAY),
    "account/two-step/reauthenticate/": ("/account/two-step/reauthenticate/", (302, 302, 302, 302, 302)),
    "account/two-step/totp/activate/": ("/account/two-step/totp/activate/", ASKS_AGAIN),
    "account/two-step/totp/deactivate/": ("/account/two-step/totp/deactivate/", NOTHING_THERE),
    "account/two-step/recovery-codes/": ("/account/two-step/recovery-codes/", NOTHING_THERE),
    "account/two-step/recovery-codes/generate/": ("/account/two-step/recovery-codes/generate/", ASKS_AGAIN),
    "account/two-step/recovery-codes/download/": ("/account/two-step/recovery-codes/download/", NOTHING_THERE),
    "account/two-step/webauthn/": ("/account/two-step/webauthn/", SIGNED_IN),
    "account/two-step/webauthn/add/": ("/account/two-step/webauthn/add/", ASKS_AGAIN),
    "account/two-step/webauthn/reauthenticate/": (
        "/account/two-step/webauthn/reauthenticate/",
        (302, 302, 302, 302, 302),
    ),
    "account/two-step/webauthn/login/": ("/account/two-step/webauthn/login/", AWAY),
    "account/two-step/webauthn/keys/<int:pk>/remove/": ("/account/two-step/webauthn/keys/1/remove/", ASKS_AGAIN),
    "account/two-step/webauthn/keys/<int:pk>/edit/": ("/account/two-step/webauthn/keys/1/edit/", ASKS_AGAIN),
    "account/sessions/": ("/account/sessions/", SIGNED_IN),
}

# Django's admin brings an address for each table and action. They are declared together: nobody but staff gets in.
ADMIN = "operator/"


def every_route(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from every_route(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route


def test_every_address_is_declared() -> None:
    found = {route for route in every_route() if not route.startswith(ADMIN)}
    assert found - set(ROUTES) == set(), "new addresses: say in ROUTES who may see them"
    assert set(ROUTES) - found == set(), "these addresses are gone: take them out of ROUTES"
from tests.people import make_person


@pytest.fixture
def superuser(db: None) -> Client:
    client = Client()
    client.force_login(make_person("opal", is_staff=True, is_superuser=True))
    return client


def test_nobody_reads_second_factors(superuser: Client) -> None:
    assert superuser.get("/operator/mfa/authenticator/").status_code == 404


@pytest.mark.django_db
def test_roles_see_their_tables_and_cannot_make_staff() -> None:
    for role in ("operator", "support"):
        person = make_person(f"the-{role}", is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(person)
        assert client.get("/operator/accounts/person/").status_code == 200
        assert client.get("/operator/support/mail/").status_code == 200
        assert client.get("/operator/auth/group/").status_code == 403
        client.post(f"/operator/accounts/person/{person.pk}/change/", {"is_superuser": "on", "is_active": "on"})
        person.refresh_from_db()
        assert not person.is_superuser


def test_an_operator_suspends_a_person_but_no_staff(superuser: Client) -> None:
    operator = make_person("the-operator", is_staff=True)
    operator.groups.add(Group.objects.get(name="operator"))
    client = Client()
    client.force_login(operator)
    petra, opal = make_person("petra"), Person.objects.get(username="opal")
    assert client.post(f"/operator/accounts/person/{petra.pk}/change/", {}).status_code == 302
    petra.refresh_from_db()
    assert not petra.is_active
    assert client.post(f"/operator/accounts/person/{opal.pk}/change/", {}).status_code == 403
    assert client.get(f"/operator/accounts/person/{petra.pk}/password/").status_code == 403


def test_in_production_the_operator_pages_need_a_second_factor(superuser: Client, settings: Any) -> None:
    settings.SANDBOX = False
    answer = superuser.get("/operator/", follow=True)
    assert answer.redirect_chain[-1][0] == "/account/two-step/"
    assert "need two-step sign-in" in answer.content.decode()


def test_the_gallery_is_for_sandboxes(client: Client, settings: Any, db: None) -> None:
    settings.SANDBOX = False
    assert client.get("/gallery/").status_code == 404
