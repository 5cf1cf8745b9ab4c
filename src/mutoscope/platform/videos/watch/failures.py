"""Refusals of watching, as problem details (RFC 9457). Each page and player shows `detail` as it is."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

from mutoscope.platform.videos.domain.rights import SENTENCES, Answer, Reason
from mutoscope.platform.videos.failures import Refused


class WatchingRefused(Refused):
    """Somebody may not watch, or not in this way."""

    def kind(self) -> str:
        """A short constant: the end of the problem's `type`."""
        raise NotImplementedError

    def status(self) -> int:
        return HTTPStatus.FORBIDDEN

    def further(self) -> dict[str, Any]:
        """Further members of the problem detail."""
        return {}


class NotEntitled(WatchingRefused):
    """The viewer has no right to this film now."""

    reason: Reason
    until: datetime | None = None

    def kind(self) -> str:
        return self.reason.value

    def status(self) -> int:
        return HTTPStatus.UNAUTHORIZED if self.reason is Reason.SIGNED_OUT else HTTPStatus.FORBIDDEN

    def sentence(self) -> str:
        return SENTENCES[self.reason]

    def further(self) -> dict[str, Any]:
        return {"expired_at": self.until.isoformat()} if self.until is not None else {}


class NothingToPlay(WatchingRefused):
    """The film has no finished edition yet."""

    def kind(self) -> str:
        return "not-ready"

    def status(self) -> int:
        return HTTPStatus.CONFLICT

    def sentence(self) -> str:
        return "This film is still being prepared."


class NoSuchFilm(WatchingRefused):
    """There is no film at this address, or it is not shown."""

    def kind(self) -> str:
        return "not-found"

    def status(self) -> int:
        return HTTPStatus.NOT_FOUND

    def sentence(self) -> str:
        return "There is no film at this address."


class TooManyStreams(WatchingRefused):
    """The viewer's other players use all the streams there are."""

    streams_max: int

    def kind(self) -> str:
        return "too-many-streams"

    def status(self) -> int:
        return HTTPStatus.CONFLICT

    def sentence(self) -> str:
        return f"You are watching on {self.streams_max} other screens. Pause one of them, then play here."


class TooFast(WatchingRefused):
    """More was asked for than anybody who watches needs."""

    retry_after_s: int

    def kind(self) -> str:
        return "too-fast"

    def status(self) -> int:
        return HTTPStatus.TOO_MANY_REQUESTS

    def sentence(self) -> str:
        return "That was asked for too often in a short time. It goes on in a moment."


class PlaybackOver(WatchingRefused):
    """The playback has ended, or never was; a player begins another."""

    def kind(self) -> str:
        return "playback-over"

    def status(self) -> int:
        return HTTPStatus.UNAUTHORIZED

    def sentence(self) -> str:
        return "This playback is over. Press play to go on."


class OtherFilm(WatchingRefused):
    """The playback is of another film than the key."""

    def kind(self) -> str:
        return "other-film"

    def sentence(self) -> str:
        return "This playback is of another film."


class OtherSignIn(WatchingRefused):
    """The playback was begun in another sign-in."""

    def kind(self) -> str:
        return "other-sign-in"

    def sentence(self) -> str:
        return "This playback belongs to another sign-in."


class NoSuchKey(WatchingRefused):
    """There is no such key."""

    def kind(self) -> str:
        return "no-such-key"

    def status(self) -> int:
        return HTTPStatus.NOT_FOUND

    def sentence(self) -> str:
        return "There is no such key."


class Unreadable(WatchingRefused):
    """What was sent cannot be read."""

    why: str

    def kind(self) -> str:
        return "unreadable"

    def status(self) -> int:
        return HTTPStatus.BAD_REQUEST

    def sentence(self) -> str:
        return self.why


def problem(refused: WatchingRefused) -> JsonResponse:
    """The refusal as a problem detail, which nobody keeps."""
    document = {
        "type": f"urn:mutoscope:watch:{refused.kind()}",
        "title": "This does not play",
        "status": int(refused.status()),
        "detail": refused.sentence(),
        **refused.further(),
    }
    response = JsonResponse(document, status=int(refused.status()), content_type="application/problem+json")
    response["Cache-Control"] = "no-store"
    if isinstance(refused, TooFast):
        response["Retry-After"] = str(refused.retry_after_s)
    return response


def not_entitled(answer: Answer) -> NotEntitled:
    return NotEntitled(reason=answer.reason, until=answer.until)
