"""This context's answers to what watching asks (videos' ports): who may watch, what stands beside, what a card says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.http import HttpRequest
from django.template.loader import render_to_string

from mutoscope.platform.billing.clock import SERVER_CLOCK
from mutoscope.platform.billing.statements import fetch
from mutoscope.platform.billing.templatetags.billing import time_left
from mutoscope.platform.billing.unlock.panel import bundles_beside, panel_for
from mutoscope.platform.billing.unlock.rights import right_of
from mutoscope.platform.videos.public import PUBLIC, Answer, CardNote, Question, Reason, Video, panel_without_sales


def billing_may_watch(question: Question) -> Answer:
    """Whether somebody may watch now, by what they paid. One query at most, by two keys."""
    person_id = question.person_id
    if person_id is not None and person_id == question.owner_id:
        return Answer(Reason.OWNER)
    if question.is_free and question.is_public:
        return Answer(Reason.FREE)
    if person_id is None:
        return Answer(Reason.SIGNED_OUT if question.is_public else Reason.WITHDRAWN)
    right = right_of(person_id, question.video_id)
    if right.is_live(question.playing_since):
        # Also of a film that was withdrawn since: its buyers keep it.
        return Answer(Reason.UNLOCKED, right.expires_at)
    if not question.is_public:
        return Answer(Reason.WITHDRAWN)
    if right.has_entitlement:
        return Answer(Reason.EXPIRED, right.expires_at)
    return Answer(Reason.NOT_PAID if right.is_sold else Reason.NOT_FOR_SALE)


def billing_unlock_panel(request: HttpRequest, video: Video, answer: Answer) -> str:
    """Prices and the button, and the bundles that it is in; for a film that is not sold at all, what the page says by itself."""
    panel = panel_for(request.user.pk, video.public_id)
    if panel is None:
        return panel_without_sales(request, video, answer)
    bundles = bundles_beside(panel, request.user.pk)
    if not (panel.choices or panel.is_live or panel.has_expired or bundles):
        return panel_without_sales(request, video, answer)
    return render_to_string("billing/unlock/beside.html", {"panel": panel, "bundles": bundles}, request)


def billing_card_notes(person_id: int | None, videos: Sequence[Video]) -> Mapping[int, CardNote]:
    """What each card says: unlocked and for how long, the lowest price, or that a bundle sells it. One query."""
    asked = {
        "ahead": SERVER_CLOCK.ahead(),
        "viewer_id": person_id,
        "video_ids": [video.pk for video in videos],
        "on_show": [state.value for state in PUBLIC],
    }
    notes = {}
    for video_id, points, is_live, expires_at, is_in_bundle in fetch("unlock", "notes", asked):
        if is_live:
            notes[video_id] = CardNote(unlocked_for=f"{time_left(expires_at)} left" if expires_at else "Unlocked")
        elif points is not None:
            notes[video_id] = CardNote(points=points)
        elif is_in_bundle:
            notes[video_id] = CardNote(is_in_bundle=True)
    return notes
