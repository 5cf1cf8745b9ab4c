"""Films in the operator's pages: facts to look at, and the moves that the services allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.failures import Refused
from mutoscope.platform.videos.models import Move, Video
from mutoscope.platform.videos.studio.service import RetryVideo, RetryVideoInputs, ShowVideo, ShowVideoInputs
from mutoscope.platform.videos.takedown.admin import TakeDownPages

if TYPE_CHECKING:
    VideoAdminBase = admin.ModelAdmin[Video]
    MovesBase = admin.TabularInline[Move, Video]
else:  # generic for the type checker only
    VideoAdminBase, MovesBase = admin.ModelAdmin, admin.TabularInline


class Moves(MovesBase):
    """Every state that a film was in, as the database itself wrote it down."""

    model = Move
    fields = readonly_fields = ("at", "from_state", "to_state", "reason", "by")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


# Where an original lies is nobody's business, not even on a page for staff.
HIDDEN = ("id", "original", "run_id")
SHOWN: tuple[str, ...] = (*(field.name for field in Video._meta.fields if field.name not in HIDDEN), "run")


@admin.register(Video)
class VideoAdmin(TakeDownPages, VideoAdminBase):
    list_display = ("title", "channel", "state", "state_reason", "created_at", "run")
    list_filter = ("state",)
    list_select_related = ("channel",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("=public_id", "title", "channel__handle")
    actions = ("retry", "unlist", "archive")
    inlines = (Moves,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Of the list, where actions need it. A film's own page has nothing to save.
        return obj is None and super().has_change_permission(request)

    fields = SHOWN
    readonly_fields = SHOWN

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        may = isinstance(obj, Video) and self.may_decide(request) and self.to_decide(obj)
        return ["to_decide", *SHOWN] if may else SHOWN

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.get_fields(request, obj)

    @admin.display(description="run, with its progress")
    def run(self, video: Video) -> str:
        if video.run_id is None:
            return ""
        return format_html('<a href="{}">{}</a>', reverse("admin:tasks_run_change", args=[video.run_id]), video.run_id)

    @admin.action(description="Retry what failed", permissions=["change"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Video]) -> None:
        self._each(request, chosen, lambda video, by: RetryVideo().call(RetryVideoInputs(video, by)))

    @admin.action(description="Unlist (its creator can undo it)", permissions=["change"])
    def unlist(self, request: HttpRequest, chosen: QuerySet[Video]) -> None:
        self._show(request, chosen, VideoState.UNLISTED)

    @admin.action(description="Archive (its creator can undo it)", permissions=["change"])
    def archive(self, request: HttpRequest, chosen: QuerySet[Video]) -> None:
        self._show(request, chosen, VideoState.ARCHIVED)

    def _show(self, request: HttpRequest, chosen: QuerySet[Video], state: VideoState) -> None:
        self._each(request, chosen, lambda video, by: ShowVideo().call(ShowVideoInputs(video, by, state)))

    def _each(self, request: HttpRequest, chosen: QuerySet[Video], act: Callable[[Video, Person], Any]) -> None:
        for video in chosen:
            try:
                act(video, cast("Person", request.user))
            except Refused as refusal:
                messages.error(request, f"{video.title}: {refusal.sentence()}")
            else:
                messages.success(request, f"{video.title}: done.")
