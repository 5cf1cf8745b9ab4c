"""The studio's pages about films. Everything here is the signed-in creator's own; another's film is not there."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.core.files.storage import storages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mutoscope.platform.accounts.public import Person, channel_of, login_required
from mutoscope.platform.videos.domain.life import (
    PLAYABLE,
    PUBLIC,
    VideoState,
    may_be_deleted,
    may_get_another_file,
)
from mutoscope.platform.videos.domain.trailers import TrailerChoice
from mutoscope.platform.videos.failures import Refused, Unacceptable
from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.process.failing import BROKEN
from mutoscope.platform.videos.removal.service import DiscardVideo, DiscardVideoInputs
from mutoscope.platform.videos.studio.choices import choices, done, seen_by, why_kept
from mutoscope.platform.videos.studio.films import film_list, moving_films, named
from mutoscope.platform.videos.studio.forms import CoverForm, SubtitlesForm, VideoForm, sent_again, video_form
from mutoscope.platform.videos.studio.head import film_head
from mutoscope.platform.videos.studio.service import (
    COVER_BYTES_MAX,
    AddSubtitles,
    AddSubtitlesInputs,
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
from mutoscope.platform.videos.studio.words import ChangedMeanwhile
from mutoscope.platform.videos.subtitles.convert import BYTES_MAX
from mutoscope.platform.videos.upload.failures import in_words
from mutoscope.platform.videos.upload.service import EndUpload, EndUploadInputs


@login_required
@require_safe
def studio(request: HttpRequest) -> HttpResponse:
    """The channel's films, and where new ones are dropped; with `film` in the address, another file for one that was never shown."""
    channel = channel_of(cast("Person", request.user))
    if channel is None:
        return redirect("channel-open")
    public_id = request.GET.get("film", "")
    named_film = Video.objects.filter(channel=channel, public_id=public_id).first() if public_id else None
    may_ask = named_film is not None and _may_get_another_file(named_film)
    context = {
        "channel": channel,
        **film_list(request, channel),
        # The film that another file is chosen for, if it may get one; else which film gets none, and why.
        "asking": named_film if may_ask else None,
        "kept": None if may_ask else named_film,
        "why_kept": why_kept(named_film) if named_film is not None else "",
        "chunk_bytes": 8 * 1024 * 1024,
        "bytes_max": settings.UPLOAD_BYTES_MAX,
    }
    return render(request, "videos/studio/films.html", context)


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
    if request.method != "POST":
        return film_page(request, video, video_form(video))
    form = VideoForm(request.POST)
    if form.is_valid():
        try:
            EditVideo().call(EditVideoInputs(video, form.words(video)))
        except Refused as refusal:
            return _refused_page(request, public_id, refusal)
        messages.success(request, "Saved.")
        return redirect("studio-film", public_id=public_id)
    return film_page(request, video, form)


def _refused_page(request: HttpRequest, public_id: str, refusal: Refused) -> HttpResponse:
    """The film as it is now, with what was typed, and why it was not saved."""
    video = own_video(request, public_id)
    form = sent_again(request.POST, video)
    form.add_error(None if refusal.field() == "__all__" else refusal.field(), refusal.sentence())
    stored = video if isinstance(refusal, ChangedMeanwhile) else None
    return film_page(request, video, form, stored)


def film_page(request: HttpRequest, video: Video, form: VideoForm, stored: Video | None = None) -> HttpResponse:
    """`stored`: the film with the words that are saved, where they are not those that were on the page."""
    state, head = VideoState(video.state), film_head(video)
    was_shown = video.published_at is not None
    is_uploading = state is VideoState.UPLOADING
    context = {
        "video": video,
        "head": head,
        "form": form,
        "stored": stored,
        "choices": choices(state),
        "seen_by": seen_by(state, was_shown=was_shown),
        "is_failed": state is VideoState.FAILED,
        "is_our_fault": video.state_reason == BROKEN,
        "is_uploading": is_uploading,
        "is_stopped": is_uploading and not head.standing.is_moving,
        "goes_with_upload": is_uploading and not video.original and video.uploads.count() == 1,
        "is_public": state in PUBLIC,
        "was_shown": was_shown,
        "can_delete": may_be_deleted(state, was_shown=was_shown),
        "can_replace": _may_be_replaced(video),
        "original_size": in_words(video.original_bytes) if video.original_bytes else "",
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
        "original_size": in_words(video.original_bytes) if video.original_bytes else "",
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
    # A button beside the film's words sends them along; one that stands alone does not.
    form = VideoForm(request.POST) if "title" in request.POST else None
    if form is not None and not form.is_valid():
        return film_page(request, video, form)
    words = form.words(video) if form is not None else None
    left = VideoState(video.state)
    try:
        ShowVideo().call(ShowVideoInputs(video, cast("Person", request.user), wanted, words))
    except Refused as refusal:
        if form is not None:
            return _refused_page(request, public_id, refusal)
        messages.error(request, refusal.sentence())
    else:
        messages.success(request, done(left, own_video(request, public_id)))
    return redirect("studio-film", public_id=public_id)


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
    upload = video.uploads.filter(state=Upload.State.OPEN).first() if video.state == VideoState.UPLOADING else None
    try:
        if upload is not None:
            EndUpload().call(EndUploadInputs(upload))
        else:
            DiscardVideo().call(DiscardVideoInputs(video))
    except Refused as refusal:
        messages.error(request, refusal.sentence())
        return redirect("studio-film", public_id=public_id)
    if Video.objects.filter(pk=video.pk).exists():
        messages.success(request, "The upload was cancelled.")
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
        added = AddSubtitles().call(inputs)
    except Refused as refusal:
        messages.error(request, refusal.sentence())
    else:
        cues = added.subtitle.cues
        lines = f"{cues} line{'' if cues == 1 else 's'}"
        words = f"{lines}, in the place of the earlier ones." if added.has_replaced else f"{lines}."
        messages.success(request, f"{added.subtitle.label}: {words}")
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
