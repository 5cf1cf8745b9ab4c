"""Pages that belong to no context: the home page, and the gallery of components."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from mutoscope.platform.accounts.public import newest_channels
from mutoscope.web.gallery import gallery_context

CHANNELS_SHOWN = 12


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html", {"channels": newest_channels(CHANNELS_SHOWN)})


@require_http_methods(["GET", "HEAD", "POST"])
def gallery(request: HttpRequest) -> HttpResponse:
    """Every component in every state, for looking at and for testing. In a sandbox only."""
    if not settings.SANDBOX:
        raise Http404
    if request.method == "POST":
        messages.success(request, "Saved. This is what a toast looks like.")
        return redirect("gallery")
    if request.GET.get("part") == "progress":
        part = {"id": "packaging", "percent": 90, "words": "Packaging, 90 %, a few seconds"}
        return render(request, "components/progress.html", part)
    return render(request, "gallery.html", gallery_context())
