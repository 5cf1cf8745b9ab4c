"""A player without a browser: begins, asks for keys, beats."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.videos.models import KeyPeriod, Video


class Player:
    def __init__(self, film: Video, person: Person | None = None, client: Client | None = None) -> None:
        self.film = film
        self.client = client or Client()
        self.token = ""
        if person is not None:
            self.client.force_login(person)

    def begin(self) -> Any:
        answer = self.client.post(f"/playbacks/of/{self.film.public_id}", headers={"X-Playback": "begin"})
        if answer.status_code == 200:
            self.token = answer.json()["token"]
            # As a player with hls.js, which sends the header; what the cookie does is tested by itself.
            self.client.cookies.pop(f"playback-{self.film.public_id}", None)
        return answer

    def key(self, film: Video | None = None, number: int = 0, **headers: str) -> HttpResponse:
        period = KeyPeriod.objects.get(edition=(film or self.film).edition, number=number)
        answer: Any = self.client.get(f"/keys/{period.public_id}", headers={"X-Playback": self.token, **headers})
        return answer  # type: ignore[no-any-return]

    def beat(self, position_ms: Any = None, stretches: Any = (), *, is_last: Any = False) -> Any:
        document = {"position_ms": position_ms, "stretches": stretches, "is_last": is_last}
        return self.send(json.dumps(document))

    def send(self, body: str | bytes) -> Any:
        return self.client.post(f"/playbacks/{self.token}/beats", body, content_type="application/json")


def kind(answer: Any) -> str:
    """What a problem detail says: the last part of its type."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["detail"]
    return str(document["type"]).removeprefix("urn:mutoscope:watch:")
