"""One small site with somebody of each kind in it, and something of each kind that not everybody may see."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.mail import send_mail
from django.db import transaction
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from mutoscope.platform.accounts.models import Person
from mutoscope.platform.billing.bundles.making import MakeBundle, MakeBundleInputs
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.coupons.service import MakeCoupon, MakeCouponInputs
from mutoscope.platform.billing.domain.terms import Term
from mutoscope.platform.billing.models import RefundAddress, Tip, TopUpRefund
from mutoscope.platform.billing.monthly.service import IssueStatement, IssueStatementInputs
from mutoscope.platform.billing.payouts.service import RequestPayout, RequestPayoutInputs
from mutoscope.platform.billing.pricing.service import SetPrices, SetPricesInputs
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs
from mutoscope.platform.support.models import Mail
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import KeyPeriod, Subtitle, Upload, Video
from tests.people import make_channel, make_person
from tests.platform.billing.paying import paid_by_hand, prove
from tests.platform.billing.shop import PRICES, Shop, give
from tests.platform.billing.topup.till import open_till
from tests.platform.billing.topup_refunds.counter import OWN_ADDRESS
from tests.platform.videos.watch.screenings import new_film

# Whoever asks, by kind of address. The film's owner is `owner`, another creator is `creator`; `suspended` had unlocked the film and was playing it.
# `staff` has no role; nothing outside the operator pages looks at roles, so there the one who may most stands for all staff.
SITE = ("anonymous", "suspended", "viewer", "expired", "buyer", "owner", "creator", "superuser")
SIGNING_IN = ("anonymous", "suspended", "viewer", "superuser")
OPERATOR = ("anonymous", "suspended", "viewer", "owner", "staff", "support", "operator", "superuser")
KINDS = tuple(dict.fromkeys((*SITE, *OPERATOR)))
STAFF: dict[str, dict[str, Any]] = {
    "staff": {"is_staff": True},
    "support": {"is_staff": True},
    "operator": {"is_staff": True},
    "superuser": {"is_staff": True, "is_superuser": True},
}
# Being sent there is an answer of its own.
DOORS = {"/account/login/?next": "sign in", "/account/reauthenticate/": "password"}
HEADERS = {"Tus-Resumable": "1.0.0", "X-Playback": "begin", "X-Visit": "page", "Idempotency-Key": "matrix"}


@dataclass
class World:
    """Who is there, and the ids of what is there: what stands in braces in an address of docs/access.md."""

    clients: dict[str, Client] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    playbacks: dict[str, str] = field(default_factory=dict)

    def address(self, template: str, kind: str) -> str:
        """A template's address. `{playback}` is the one that this kind of person began, or one that nobody did."""
        ids = {**self.ids, "playback": self.playbacks.get(kind, "b" * 24)}
        return re.sub(r"\{([a-z-]+)\}", lambda found: ids[found[1]], template)

    def ask(self, kind: str, method: str, template: str, body: Any = None) -> str:
        """What one kind of person is told: a status, or where they are sent to prove who they are. Nothing stays as it was left.

        A use case that refuses within its own transaction spoils this one, so the rows ask for what somebody may have.
        """
        headers = {**HEADERS}
        if template.startswith("/keys/"):
            headers["X-Playback"] = self.playbacks.get(kind, "b" * 24)
        content_type = "application/json" if isinstance(body, dict) and template.startswith("/api/") else ""
        if template.startswith("/playbacks/{playback}"):
            content_type = "application/json"
        if template.startswith("/uploads/"):
            content_type = "application/offset+octet-stream"
            headers |= {"Upload-Offset": "0", "Upload-Length": "3"}
        sent: dict[str, Any] = {"headers": headers}
        if method not in ("GET", "HEAD"):
            sent["data"] = body if body is not None else ""
            if content_type:
                sent["content_type"] = content_type
            elif method == "POST":
                sent["data"] = body or {}
        client = self.clients[kind]
        cookies = copy.deepcopy(client.cookies)
        with transaction.atomic():
            answer: Any = getattr(client, method.lower())(self.address(template, kind), **sent)
            if answer.streaming:
                # Read to its end, which closes the file behind it.
                list(answer)
            if answer.get("Location", "").startswith("/operator/login/"):
                answer = client.get(answer["Location"])
            transaction.set_rollback(True)
        client.cookies = cookies
        doors = (word for door, word in DOORS.items() if answer.get("Location", "").startswith(door))
        return next(doors, str(answer.status_code))


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """Everybody signed in, the suspended one before the suspension. Needs a database; files lie below `folder`."""
    films = {"BACKEND": settings.STORAGES["films"]["BACKEND"], "OPTIONS": {"location": folder / "films"}}
    folders = {
        "MEDIA_ROOT": folder / "media",
        "UPLOADS_FOLDER": folder / "uploads",
        "VIDEO_WORK_FOLDER": folder / "work",
        "STORAGES": {**settings.STORAGES, "films": films},
    }
    top_ups = {**settings.TOP_UPS, "PLAY_WALLET": None}
    payouts = {"PAYOUT_POINTS_MIN": 10, "PAYOUT_DELAY_DAYS": 0, "PAYOUT_APPROVAL_POINTS": 20}
    backend = "mutoscope.platform.support.mail.backend.OutboxBackend"
    with (
        open_till() as till,
        paid_by_hand(),
        override_settings(TOP_UPS=top_ups, EMAIL_BACKEND=backend, **payouts, **folders),
    ):
        world = World()
        people = {kind: _person(kind) for kind in KINDS if kind != "anonymous"}
        channel = make_channel(people["owner"], "northlight")
        make_channel(people["creator"], "southlight")
        film = new_film(channel)
        draft = new_film(channel, VideoState.READY, title="Not yet")
        failed = new_film(channel, VideoState.FAILED, title="Cut short")
        withdrawn = new_film(channel, title="No longer")
        taken_down = new_film(channel, title="No more of that")
        for sold in (film, withdrawn, taken_down):
            SetPrices().call(SetPricesInputs(people["owner"].pk, sold.public_id, PRICES))
            _sell(sold, people)
        move(withdrawn.pk, VideoState.ARCHIVED)
        move(taken_down.pk, VideoState.TAKEN_DOWN, reason="Its music is somebody else's.")
        till.viewer = people["buyer"]
        top_up = till.buy()
        today = timezone.now()
        statement = (
            IssueStatement(MovedClock(timedelta(days=62)))
            .call(IssueStatementInputs(channel.pk, today.year, today.month))
            .statement
        )
        named = RefundAddress.objects.create(
            top_up=top_up, address=OWN_ADDRESS, nonce="n" * 22, message="to sign", expires_at=timezone.now()
        )
        refund = TopUpRefund.objects.create(
            top_up=top_up, receipt="r" * 88, receiver=OWN_ADDRESS, symbol="USDC", decimals=6, amount=1, request_key="a"
        )
        tip = GiveTipInputs(people["buyer"].pk, film.public_id, 10, "tip", "Thank you", may_be_shown=True)
        GiveTip().call(tip)
        coupon = MakeCoupon().call(MakeCouponInputs(channel, "AUTUMN", percent=10)).coupon
        second = new_film(channel, title="The Long Ferry")
        SetPrices().call(SetPricesInputs(people["owner"].pk, second.public_id, PRICES))
        together = [film.public_id, second.public_id]
        bundle = MakeBundle().call(MakeBundleInputs(channel, "Both", together, "lifetime", 100)).bundle
        address = prove(people["owner"])
        payout = RequestPayout().call(RequestPayoutInputs(people["owner"].pk, 100, "payout", has_second_factor=True))
        send_mail("A subject", "A text", None, ["somebody@example.org"])
        world.clients = {"anonymous": Client(raise_request_exception=False)}
        for kind, person in people.items():
            world.clients[kind] = Client(raise_request_exception=False)
            world.clients[kind].force_login(person)
        world.ids = {
            "site": settings.SITE_URL,
            "film": film.public_id,
            "draft": draft.public_id,
            "failed": failed.public_id,
            "withdrawn": withdrawn.public_id,
            "taken-down": taken_down.public_id,
            "top-up": top_up.public_id,
            "refund": str(refund.pk),
            "refund-nonce": named.nonce,
            "statement": statement.label(),
            "payout": str(payout.payout.number),
            "nonce": address.nonce,
            "coupon": coupon.code,
            "bundle": bundle.public_id,
            "tip": str(Tip.objects.get().pk),
            "mail": str(Mail.objects.latest("pk").pk),
            "upload": _upload(world.clients["owner"]),
            **_parts(film),
        }
        for kind, client in world.clients.items():
            begun = client.post(f"/playbacks/of/{film.public_id}", headers={"X-Playback": "begin"})
            if begun.status_code == 200:
                world.playbacks[kind] = begun.json()["token"]
            client.cookies.pop(f"playback-{film.public_id}", None)
        Person.objects.filter(pk=people["suspended"].pk).update(is_active=False)
        yield world


def _person(kind: str) -> Person:
    person = make_person(f"the-{kind}", **STAFF.get(kind, {}))
    # Pages that ask for the password once more show that only to somebody who has one.
    Person.objects.filter(pk=person.pk).update(password="argon2$not-a-hash")
    person.refresh_from_db()
    if kind in ("support", "operator"):
        person.groups.add(Group.objects.get(name=kind))
    return person


def _sell(film: Video, people: dict[str, Person]) -> None:
    """The buyer and the suspended one unlock it for good; somebody's day with it is over."""
    for kind, term, ahead in (
        ("buyer", Term.LIFETIME, timedelta(0)),
        ("suspended", Term.LIFETIME, timedelta(0)),
        ("expired", Term.DAY, timedelta(days=-2)),
    ):
        give(people[kind], 1000)
        Shop(people["owner"], people[kind], film).unlock(term, clock=MovedClock(ahead))


def _upload(owner: Client) -> str:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "3", "Upload-Metadata": "filename YS5tcDQ="}
    owner.post("/uploads/", headers=headers, content_type="application/offset+octet-stream")
    return str(Upload.objects.get().token)


def _parts(film: Video) -> dict[str, str]:
    assert film.edition is not None
    cover = film.cover
    subtitle = Subtitle.objects.filter(video=film).first()
    return {
        "edition": film.edition.token,
        "key": KeyPeriod.objects.get(edition=film.edition, number=0).public_id,
        "cover": str(cover.pk if cover else 1),
        "subtitle": str(subtitle.pk if subtitle else 1),
    }
