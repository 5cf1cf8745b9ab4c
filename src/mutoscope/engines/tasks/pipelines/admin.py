"""Pipeline runs in Django's admin, each with a timeline that moves while the run does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from mutoscope.engines.tasks.pipelines import pipeline as runs
from mutoscope.engines.tasks.pipelines.models import Run
from mutoscope.engines.tasks.pipelines.timeline import WIDTH, read_timeline
from mutoscope.engines.tasks.queue.admin import ReadOnly


@admin.register(Run)
class RunAdmin(ReadOnly):
    list_display = ("id", "pipeline", "subject", "shown_state", "started_at", "ended_at")
    list_filter = ("state",)
    search_fields = ("=id", "=subject")
    ordering = ("-id",)
    actions = ("resume", "cancel")

    @admin.display(description="state", ordering="state")
    def shown_state(self, run: Run) -> str:
        return format_html('<span class="run-state run-{}">{}</span>', run.state.lower(), run.get_state_display())

    class Media:
        css = {"all": ("tasks/timeline.css",)}

    @admin.action(description="Resume what failed, was stopped or cancelled", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        for run in queryset:
            self._resume(request, run.id)

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        number = sum(runs.cancel(run.id) for run in queryset)
        messages.success(request, f"{number} runs cancelled.")

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<int:run_id>/timeline/", self.admin_site.admin_view(self.timeline), name="tasks_run_timeline"),
            path("<int:run_id>/act/", self.admin_site.admin_view(self.act), name="tasks_run_act"),
        ]
        return own + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The run's page. There is nothing to edit on it."""
        run = self.get_object(request, object_id)
        if run is None:
            raise Http404(f"There is no run {object_id}.")
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": f"Run {run.id} of {run.pipeline}",
            "opts": self.opts,
            "run": run,
            "may_act": self.has_change_permission(request),
            "media": self.media,
            **self._timeline(run.id),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "tasks/run.html", context)

    def timeline(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """The moving part of the page alone."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        response = TemplateResponse(request, "tasks/timeline.html", self._timeline(run_id))
        response["Cache-Control"] = "no-store"
        return response

    def act(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Resume or cancel the run, by a button on its page."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            if request.POST.get("action") == "resume":
                self._resume(request, run_id)
            elif request.POST.get("action") == "cancel" and runs.cancel(run_id):
                messages.success(request, "Cancelled.")
        return HttpResponseRedirect(reverse("admin:tasks_run_change", args=[run_id], current_app=self.admin_site.name))

    def _resume(self, request: HttpRequest, run_id: int) -> None:
        try:
            places = runs.resume(run_id)
        except runs.WrongState as error:
            messages.error(request, str(error))
        else:
            names = ", ".join(f"{unit} {item}".strip() for unit, item in places)
            messages.success(request, f"Run {run_id} goes on with {names}.")

    def _timeline(self, run_id: int) -> dict[str, Any]:
        timeline = read_timeline(run_id)
        return {"timeline": timeline, "progress": timeline.progress, "bar_width": WIDTH}
