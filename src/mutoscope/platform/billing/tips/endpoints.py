"""Giving a tip, and the tips under a film."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from mutoscope.platform.accounts.public import login_required
from mutoscope.platform.billing import books
from mutoscope.platform.billing.asker import person_id
from mutoscope.platform.billing.failures import NoSuchFilm, Refused
from mutoscope.platform.billing.models import NOTE_LENGTH_MAX
from mutoscope.platform.billing.tips.forms import TipForm
from mutoscope.platform.billing.tips.service import GiveTip, GiveTipInputs, shown_tips
from mutoscope.platform.videos.public import PUBLIC, Video


@require_safe
def shown(request: HttpRequest, public_id: str) -> HttpResponse:
    """What stands under the film: asked for by its page when somebody gets that far. Nothing at all where there is none."""
    video = Video.objects.only("pk").filter(public_id=public_id, state__in=PUBLIC).first()
    if video is None:
        raise Http404
    tips = shown_tips(video.pk)
    return render(request, "billing/tips/under_film.html", {"tips": tips}) if tips else HttpResponse()


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tip(request: HttpRequest, public_id: str) -> HttpResponse:
    """A form for points and a note; and what others gave."""
    video = Video.objects.select_related("channel").filter(public_id=public_id, state__in=PUBLIC).first()
    if video is None or video.channel.owner_id == request.user.pk:
        raise Http404
    form = TipForm(request.POST or None, initial={"request_key": secrets.token_urlsafe(16)})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        asked = GiveTipInputs(
            viewer_id=person_id(request),
            public_id=public_id,
            points=data["points"],
            note=data["note"],
            may_be_shown=data["may_be_shown"],
            request_key=data["request_key"],
        )
        try:
            given = GiveTip().call(asked)
        except NoSuchFilm:
            raise Http404 from None
        except Refused as refusal:
            known = refusal.field() in form.fields
            form.add_error(refusal.field() if known else None, refusal.sentence())
        else:
            messages.success(
                request,
                f"{given.channel_title} got your {given.points:,} {'point' if given.points == 1 else 'points'}.",
            )
            return redirect(f"/watch/{public_id}")
    context = {
        "form": form,
        "video": video,
        "balance": books.points_of(person_id(request)),
        "tips": shown_tips(video.pk),
        "note_length_max": NOTE_LENGTH_MAX,
    }
    return render(request, "billing/tips/tip.html", context, status=422 if form.errors else 200)
