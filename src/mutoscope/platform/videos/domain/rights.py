"""The question whether somebody may watch a film, and its answers. Whoever sells films answers it (ports.MayWatch)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why somebody may watch, or may not."""

    OWNER = "owner"
    FREE = "free"
    UNLOCKED = "unlocked"

    SIGNED_OUT = "signed-out"
    """It has to be unlocked, and nobody knows yet who is asking."""
    NOT_PAID = "not-paid"
    EXPIRED = "expired"
    """It was unlocked, and that time is over."""
    NOT_FOR_SALE = "not-for-sale"
    """It is shown, but there is no way yet to unlock it."""
    WITHDRAWN = "withdrawn"
    TAKEN_DOWN = "taken-down"
    """By the operator, and for everybody: whoever sells films is not asked."""


GRANTS = frozenset({Reason.OWNER, Reason.FREE, Reason.UNLOCKED})


@dataclass(frozen=True)
class Question:
    """Who wants to watch what. `playing_since` is when a playback that goes on began; None where none does."""

    person_id: int | None
    video_id: int
    owner_id: int
    is_free: bool
    is_public: bool
    playing_since: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """`until`: of UNLOCKED when it ends, None for ever; of EXPIRED when it ended."""

    reason: Reason
    until: datetime | None = None

    def is_yes(self) -> bool:
        return self.reason in GRANTS


SENTENCES: dict[Reason, str] = {
    Reason.SIGNED_OUT: "Sign in to watch this film.",
    Reason.NOT_PAID: "This film has to be unlocked before it plays.",
    Reason.EXPIRED: "Your time with this film is over. Unlock it again to go on watching.",
    Reason.NOT_FOR_SALE: "This film cannot be unlocked yet.",
    Reason.WITHDRAWN: "Its creator has withdrawn this film.",
    Reason.TAKEN_DOWN: "The people who run this site have taken this film down. It plays for nobody at present.",
}


def answer_without_sales(question: Question) -> Answer:
    """The answer where nothing is sold: owners may watch what is theirs, and everybody what is free and public."""
    if question.person_id is not None and question.person_id == question.owner_id:
        return Answer(Reason.OWNER)
    if not question.is_public:
        return Answer(Reason.WITHDRAWN)
    if question.is_free:
        return Answer(Reason.FREE)
    return Answer(Reason.SIGNED_OUT if question.person_id is None else Reason.NOT_FOR_SALE)
