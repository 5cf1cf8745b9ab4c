"""Pages about channels: the public one, and the creator's own."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from mutoscope.platform.accounts.channels.forms import EditChannelForm, OpenChannelForm
from mutoscope.platform.accounts.channels.service import EditChannel, EditChannelInputs, OpenChannel, OpenChannelInputs
from mutoscope.platform.accounts.channels.shelf import channel_shelf
from mutoscope.platform.accounts.failures import ChannelOpenAlready, Refused
from mutoscope.platform.accounts.models import Channel, Person
from mutoscope.platform.accounts.sign_in.required import login_required

A_YEAR_S = 365 * 24 * 3600


@require_safe
def show(request: HttpRequest, handle: str) -> HttpResponse:
    """The public page of a channel. Another spelling of the handle leads to the canonical one."""
    if handle != handle.lower():
        return redirect("channel", handle=handle.lower(), permanent=True)
    channel = get_object_or_404(Channel.objects.select_related("owner__closing"), handle=handle)
    if hasattr(channel.owner, "closing"):
        return render(request, "accounts/channels/gone.html", status=HTTPStatus.GONE)
    context = {
        "channel": channel,
        "is_owner": is_owner(request, channel),
        "shelf": channel_shelf.get()(request, channel),
    }
    return render(request, "accounts/channels/show.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def open_channel(request: HttpRequest) -> HttpResponse:
    person = cast("Person", request.user)
    if Channel.objects.filter(owner=person).exists():
        return redirect("studio")
    form = OpenChannelForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            opened = OpenChannel().call(
                OpenChannelInputs(
                    owner=person,
                    handle=data["handle"],
                    title=data["title"],
                    description=data["description"],
                    avatar=data["avatar"],
                )
            )
        except ChannelOpenAlready as refusal:
            # Sent twice, or from two tabs: the channel is there, which is what was wanted.
            messages.info(request, refusal.sentence())
            return redirect("studio")
        except Refused as refusal:
            form.add_error(refusal.field(), refusal.sentence())
        else:
            messages.success(request, "Your channel is open.")
            return HttpResponseRedirect(opened.channel.get_absolute_url())
    return render(request, "accounts/channels/open.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_channel(request: HttpRequest) -> HttpResponse:
    channel = Channel.objects.filter(owner=cast("Person", request.user)).first()
    if channel is None:
        return redirect("channel-open")
    initial: dict[str, Any] = {"title": channel.title, "description": channel.description}
    form = EditChannelForm(
        request.POST or None, request.FILES or None, initial=initial, has_avatar=bool(channel.avatar)
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            EditChannel().call(
                EditChannelInputs(
                    channel=channel,
                    title=data["title"],
                    description=data["description"],
                    avatar=data["avatar"],
                    remove_avatar=data.get("remove_avatar", False),
                )
            )
        except Refused as refusal:
            form.add_error(refusal.field(), refusal.sentence())
        else:
            messages.success(request, "Saved.")
            return redirect("channel-edit")
    context = {"form": form, "channel": channel}
    return render(request, "accounts/channels/edit.html", context, status=422 if form.errors else 200)


@require_safe
def avatar(request: HttpRequest, name: str) -> FileResponse:
    """A stored picture. Its name never means another picture, so whoever has it may keep it for ever."""
    try:
        picture = default_storage.open(f"avatars/{name}")
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(picture, content_type="image/webp")
    response["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable"
    return response


def is_owner(request: HttpRequest, channel: Channel) -> bool:
    return bool(request.user.is_authenticated and request.user.pk == channel.owner_id)
