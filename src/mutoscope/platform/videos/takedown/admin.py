"""A film's take-down in the operator's pages: what it does, a reason, and a last look; and the same for lifting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.failures import Refused, Unacceptable
from mutoscope.platform.videos.life.moves import REASON_LENGTH_MAX
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.studio.ports import Sold, film_sales
from mutoscope.platform.videos.takedown.service import (
    WITHOUT_REASON,
    LiftTakeDown,
    LiftTakeDownInputs,
    TakeDownFilm,
    TakeDownFilmInputs,
    can_be_taken_down,
    state_before,
)

if TYPE_CHECKING:
    PagesBase = admin.ModelAdmin[Video]
else:  # generic for the type checker only
    PagesBase = object

STATE_WORDS = {
    VideoState.READY: "ready, seen by its creator alone",
    VideoState.PUBLISHED: "published",
    VideoState.UNLISTED: "unlisted, for whoever has its address",
    VideoState.ARCHIVED: "archived, for those alone who bought it",
}


@dataclass(frozen=True)
class Decision:
    """Something that staff decide about a film."""

    wanted: VideoState | None
    words: str
    done: str
    who_reads_the_reason: str


# By their names in addresses.
DECISIONS: Mapping[str, Decision] = {
    "take-down": Decision(VideoState.TAKEN_DOWN, "Take it down", "taken down", "Its creator reads it in the studio."),
    "lift": Decision(None, "Lift the take-down", "let back", "Staff read it in the history of this film."),
}


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        error_messages={"required": WITHOUT_REASON},
    )

    def __init__(self, decision: Decision, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["reason"].help_text = decision.who_reads_the_reason


class TakeDownPages(PagesBase):
    """What VideoAdmin has of it: the button on a film's page, and the pages behind it."""

    @admin.display(description="take-down")
    def to_decide(self, video: Video) -> SafeString | str:
        """The way to the decision that there is; nothing while nobody could see the film anyway."""
        if video._state.adding:
            return ""
        for name, decision in DECISIONS.items():
            if is_open(video, decision):
                there = reverse("admin:videos_video_decide", args=[video.pk, name])
                return format_html('<a class="button" href="{}">{}</a>', there, decision.words)
        return ""

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        return [path("<int:number>/decide/<slug:name>/", decide, name="videos_video_decide"), *super().get_urls()]

    def may_decide(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("videos.change_video"))

    def decide(self, request: HttpRequest, number: int, name: str) -> HttpResponse:
        """What it would do, the reason, a last look; then it is done, or a sentence says why not."""
        if not self.may_decide(request):
            raise PermissionDenied
        decision = DECISIONS.get(name)
        video = Video.objects.select_related("channel__owner").filter(pk=number).first()
        if decision is None or video is None:
            raise Http404
        form = ReasonForm(decision, request.POST if request.method == "POST" else None)
        # How it stands comes first: nobody is asked for a reason to do what was done.
        refusal = "" if is_open(video, decision) else how_it_stands(video, decision)
        is_asked = not refusal and form.is_valid()
        if is_asked and "confirmed" in request.POST:
            try:
                self._do(request, video, decision, form.cleaned_data["reason"].strip())
            except Unacceptable as refused:
                form.add_error("reason", refused.sentence())
                is_asked = False
            except Refused as refused:
                refusal = refused.sentence()
            else:
                return redirect("admin:videos_video_change", video.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": video.title,
            "opts": self.opts,
            "media": self.media,
            "video": video,
            "state_words": STATE_WORDS.get(VideoState(video.state), "taken down"),
            "before_words": STATE_WORDS[state_before(video.pk)[0]] if video.state == VideoState.TAKEN_DOWN else "",
            "sold": film_sales.get()(video.channel_id).get(video.pk, Sold(0, 0)),
            "decision": decision,
            "is_take_down": decision.wanted is VideoState.TAKEN_DOWN,
            "name": name,
            "form": form,
            "refusal": refusal,
            "is_last_look": is_asked and not refusal,
        }
        return TemplateResponse(request, "videos/takedown/operator.html", context)

    def _do(self, request: HttpRequest, video: Video, decision: Decision, reason: str) -> None:
        by_id = int(request.user.pk or 0)
        done = decision.done
        if decision.wanted is VideoState.TAKEN_DOWN:
            TakeDownFilm().call(TakeDownFilmInputs(video.pk, by_id, reason))
        else:
            done = f"{done}, and {LiftTakeDown().call(LiftTakeDownInputs(video.pk, by_id)).state} again"
        self.log_change(request, video, f"It was {done}: {reason}")
        messages.success(request, f"{video}: {done}.")


def is_open(video: Video, decision: Decision) -> bool:
    if decision.wanted is VideoState.TAKEN_DOWN:
        return can_be_taken_down(video.state)
    return video.state == VideoState.TAKEN_DOWN


def how_it_stands(video: Video, decision: Decision) -> str:
    """Why there is nothing to decide."""
    if video.state == VideoState.TAKEN_DOWN:
        return "This film is taken down already."
    if decision.wanted is VideoState.TAKEN_DOWN:
        return f"This film is {video.state}: there is nothing that anybody could see."
    return f"This film is not taken down. It is {video.state}."
