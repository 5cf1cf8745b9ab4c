"""The studio's pages about films. Everything here is the signed-in creator's own; another's film is not there."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.core.files.storage import storages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mutoscope.platform.accounts.public import Channel, Person, channel_of, login_required
from mutoscope.platform.videos.domain.life import (
    DISCARDABLE,
    MOVES,
    PLAYABLE,
    PUBLIC,
    VideoState,
    may_get_another_file,
)
from mutoscope.platform.videos.domain.trailers import TrailerChoice
from mutoscope.platform.videos.failures import Refused, Unacceptable
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.process.failing import BROKEN
from mutoscope.platform.videos.studio.films import film_list, moving_films, named
from mutoscope.platform.videos.studio.forms import CoverForm, SubtitlesForm, VideoForm
from mutoscope.platform.videos.studio.head import film_head, without_price
from mutoscope.platform.videos.studio.service import (
    COVER_BYTES_MAX,
    AddSubtitles,
    AddSubtitlesInputs,
    DiscardVideo,
    DiscardVideoInputs,
    EditVideo,
    EditVideoInputs,
    PickCover,
    PickCoverInputs,
    RetryVideo,
    RetryVideoInputs,
    ShowVideo,
    ShowVideoInputs,
)
from mutoscope.platform.videos.studio.standing import standing_of
from mutoscope.platform.videos.studio.trailer import ChooseTrailer, ChooseTrailerInputs, TrailerForm, trailer_form
from mutoscope.platform.videos.subtitles.convert import BYTES_MAX

# What a creator may choose, in the order of the buttons: state, words, kind of button.
CHOICES = (
    (VideoState.PUBLISHED, "Publish", "primary"),
    (VideoState.UNLISTED, "Share by link only", "quiet"),
    (VideoState.READY, "Take back", "quiet"),
    (VideoState.ARCHIVED, "Archive", "quiet"),
)


@login_required
@require_safe
def studio(request: HttpRequest) -> HttpResponse:
    """The channel's films, and where new ones are dropped; with `film` in the address, another file for one that was never shown."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        return redirect("channel-open")
    context = {
        "channel": channel,
        **film_list(request, channel),
        "asking": _film_that_asks(channel, request.GET.get("film", "")),
        "chunk_bytes": 8 * 1024 * 1024,
        "bytes_max": settings.UPLOAD_BYTES_MAX,
    }
    return render(request, "videos/studio/films.html", context)


def _film_that_asks(channel: Channel, public_id: str) -> Video | None:
    """The film that another file is chosen for, if it may get one."""
    if not public_id:
        return None
    video = Video.objects.filter(channel=channel, public_id=public_id).first()
    return video if video is not None and _may_get_another_file(video) else None


def _may_get_another_file(video: Video) -> bool:
    return may_get_another_file(VideoState(video.state), was_shown=video.published_at is not None)


def _may_be_replaced(video: Video) -> bool:
    """The same of a film that there is already."""
    return VideoState(video.state) is VideoState.READY and _may_get_another_file(video)


@login_required
@require_safe
def rows(request: HttpRequest) -> HttpResponse:
    """The list alone; with `moving`, which says what moved when it was drawn, the words of those films, for the page that asks again."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        raise Http404
    seen = request.GET.get("moving")
    if seen is not None:
        moving = moving_films(channel)
        if named(moving) != seen:
            # One came, ended or went on to another state: the page asks for the list.
            return HttpResponse(headers={"HX-Trigger": "refresh-films"})
        return render(request, "videos/studio/moving.html", {"rows": moving})
    return render(request, "videos/studio/rows.html", film_list(request, channel))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def film(request: HttpRequest, public_id: str) -> HttpResponse:
    """One film: where it stands, its words, cover and subtitles."""
    video = own_video(request, public_id)
    form = VideoForm(request.POST or None, initial={"title": video.title, "description": video.description})
    if request.method == "POST" and form.is_valid():
        try:
            EditVideo().call(EditVideoInputs(video, form.cleaned_data["title"], form.cleaned_data["description"]))
        except Refused as refusal:
            form.add_error(refusal.field(), refusal.sentence())
        else:
            messages.success(request, "Saved.")
            return redirect("studio-film", public_id=public_id)
    return film_page(request, video, form)


def film_page(request: HttpRequest, video: Video, form: VideoForm | None = None) -> HttpResponse:
    state = VideoState(video.state)
    form = form or VideoForm(initial={"title": video.title, "description": video.description})
    offered = [choice for choice in CHOICES if choice[0] in MOVES[state]] if state in PLAYABLE else []
    context = {
        "video": video,
        "head": film_head(video),
        "form": form,
        "choices": offered,
        "is_failed": state is VideoState.FAILED,
        "is_our_fault": video.state_reason == BROKEN,
        "can_discard": state in DISCARDABLE,
        "can_replace": _may_be_replaced(video),
    }
    return render(request, "videos/studio/film.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
def files(request: HttpRequest, public_id: str) -> HttpResponse:
    """What the film consists of: the original, its renditions, cover, trailer and subtitles."""
    return files_page(request, own_video(request, public_id))


def files_page(request: HttpRequest, video: Video, trailer: TrailerForm | None = None) -> HttpResponse:
    is_playable = VideoState(video.state) in PLAYABLE
    context = {
        "video": video,
        "head": film_head(video),
        "subtitles_form": SubtitlesForm(),
        "trailer_form": (trailer or trailer_form(video)) if is_playable else None,
        "cover_form": CoverForm(),
        "covers": list(video.covers.all()),
        "subtitles": list(video.subtitles.all()),
        "renditions": list(video.edition.renditions.all()) if video.edition else [],
        "can_replace": _may_be_replaced(video),
    }
    return render(request, "videos/studio/files.html", context, status=422 if trailer and trailer.errors else 200)


@login_required
@require_safe
def standing(request: HttpRequest, public_id: str) -> HttpResponse:
    """Where it stands now. When it has come to rest the page is loaded anew, with the buttons of its new state."""
    video = own_video(request, public_id)
    found = standing_of(video)
    response = render(request, "videos/studio/standing.html", {"video": video, "standing": found})
    if not found.is_moving:
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_POST
def show(request: HttpRequest, public_id: str) -> HttpResponse:
    video = own_video(request, public_id)
    try:
        wanted = VideoState(request.POST.get("state", ""))
    except ValueError:
        raise Http404 from None
    try:
        ShowVideo().call(ShowVideoInputs(video, cast("Person", request.user), wanted))
    except Refused as refusal:
        messages.error(request, refusal.sentence())
    else:
        video.state = wanted
        lacks_price = wanted in PUBLIC and video.pk in without_price([video])
        messages.success(request, DONE_WITHOUT_PRICE[wanted] if lacks_price else DONE[wanted])
    return redirect("studio-film", public_id=public_id)


DONE = {
    VideoState.PUBLISHED: "Published. Everybody can find it now.",
    VideoState.UNLISTED: "Whoever has the link can see it now; no list shows it.",
    VideoState.READY: "Only you can see it now.",
    VideoState.ARCHIVED: "Put away. You can bring it back at any time.",
}
DONE_WITHOUT_PRICE = {
    VideoState.PUBLISHED: "Published. Everybody can find it now. It can be unlocked once it has a price, or with a bundle.",
    VideoState.UNLISTED: "Whoever has the link can see it now; no list shows it. It can be unlocked once it has a price, or with a bundle.",
}


@login_required
@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    video = own_video(request, public_id)
    try:
        RetryVideo().call(RetryVideoInputs(video, cast("Person", request.user)))
    except Refused as refusal:
        messages.error(request, refusal.sentence())
    return redirect("studio-film", public_id=public_id)


@login_required
@require_POST
def discard(request: HttpRequest, public_id: str) -> HttpResponse:
    video = own_video(request, public_id)
    try:
        DiscardVideo().call(DiscardVideoInputs(video))
    except Refused as refusal:
        messages.error(request, refusal.sentence())
        return redirect("studio-film", public_id=public_id)
    messages.success(request, f"“{video.title}” is gone.")
    return redirect("studio")


@login_required
@require_POST
def cover(request: HttpRequest, public_id: str) -> HttpResponse:
    """Pick one of the candidates, or send another picture."""
    video = own_video(request, public_id)
    picked = request.POST.get("cover", "")
    upload = request.FILES.get("picture")
    if upload is not None and (upload.size or 0) > COVER_BYTES_MAX:
        messages.error(request, "This picture is larger than 10 MB. Use a smaller one.")
        return redirect("studio-files", public_id=public_id)
    picture = upload.file if upload is not None else None
    cover_id = int(picked) if picked.isascii() and picked.isdecimal() and len(picked) < 19 else None
    inputs = PickCoverInputs(video, cover_id, picture)
    try:
        PickCover().call(inputs)
    except Refused as refusal:
        messages.error(request, refusal.sentence())
    else:
        messages.success(request, "This is the cover now.")
    return redirect("studio-files", public_id=public_id)


@login_required
@require_POST
def trailer(request: HttpRequest, public_id: str) -> HttpResponse:
    """What those see who have not paid."""
    video = own_video(request, public_id)
    form = TrailerForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        choice = TrailerChoice(given["trailer"])
        try:
            ChooseTrailer().call(ChooseTrailerInputs(video, choice, given["begins"], given["ends"]))
        except Unacceptable as refusal:
            form.add_error(refusal.field(), refusal.sentence())
        except Refused as refusal:
            messages.error(request, refusal.sentence())
            return redirect("studio-files", public_id=public_id)
        else:
            messages.success(request, TRAILER_DONE[choice])
            return redirect("studio-files", public_id=public_id)
    return files_page(request, own_video(request, public_id), form)


TRAILER_DONE = {
    TrailerChoice.AUTOMATIC: "The trailer is being made. It is there in a moment.",
    TrailerChoice.OWN: "Your trailer is being cut. It is there in a moment.",
    TrailerChoice.NONE: "This film will have no trailer.",
}


@login_required
@require_POST
def subtitles(request: HttpRequest, public_id: str) -> HttpResponse:
    video = own_video(request, public_id)
    form = SubtitlesForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Choose a file and its language.")
        return redirect("studio-files", public_id=public_id)
    upload = form.cleaned_data["file"]
    try:
        inputs = AddSubtitlesInputs(video, upload.read(BYTES_MAX + 1), form.cleaned_data["language"])
        added = AddSubtitles().call(inputs).subtitle
    except Refused as refusal:
        messages.error(request, refusal.sentence())
    else:
        messages.success(request, f"{added.label}: {added.cues} lines.")
    return redirect("studio-files", public_id=public_id)


@login_required
@require_POST
def subtitles_remove(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    video = own_video(request, public_id)
    found = video.subtitles.filter(pk=number).first()
    if found is None:
        raise Http404
    found.delete()
    storages["films"].delete(found.file)
    messages.success(request, f"{found.label} removed.")
    return redirect("studio-files", public_id=public_id)


@login_required
@require_safe
def cover_picture(request: HttpRequest, public_id: str, number: int) -> FileResponse:
    """A candidate, for its creator alone: the film may not be public yet."""
    found = own_video(request, public_id).covers.filter(pk=number).first()
    if found is None:
        raise Http404
    try:
        picture = storages["films"].open(found.file)
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(picture, content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=86400"
    return response


def own_video(request: HttpRequest, public_id: str) -> Video:
    """The signed-in creator's film. Raises Http404 for all others."""
    owned = Video.objects.filter(public_id=public_id, channel__owner=request.user.pk)
    found = owned.select_related("channel", "cover", "edition").first()
    if found is None:
        raise Http404
    return found
