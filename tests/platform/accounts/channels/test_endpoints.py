"""Opening, editing and looking at channels, through the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mutoscope.platform.accounts.channels import service
from mutoscope.platform.accounts.models import Channel
from tests.people import make_channel, make_person, picture
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def upload(content: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile("me.png", content or picture(), "image/png")


def test_open_a_channel(client: Client) -> None:
    client.force_login(make_person())
    answer = client.post(
        "/studio/channel/open/", {"handle": "@North-Light", "title": "North  Light", "avatar": upload()}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/@north-light")
    channel = Channel.objects.get()
    assert (channel.title, channel.avatar.startswith("avatars/")) == ("North Light", True)
    page = client.get("/@north-light")
    assert default_storage.url(channel.avatar) in page.content.decode()


def test_an_uppercase_address_leads_to_the_canonical_one(client: Client) -> None:
    make_channel(make_person())
    answer = client.get("/@NorthLight")
    assert (answer.status_code, answer["Location"]) == (301, "/@northlight")


def test_bad_input_is_refused_whole_with_the_fields_name_and_nothing_kept(client: Client, media: Path) -> None:
    client.force_login(make_person())
    answer = client.post(
        "/studio/channel/open/", {"handle": "no", "title": "A \u202e B", "avatar": upload(b"no picture")}
    )
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"handle", "title", "avatar"}
    answer = client.post(
        "/studio/channel/open/", {"handle": "northlight", "title": "A", "avatar": upload(b"no picture")}
    )
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"avatar"}
    assert 'value="northlight"' in answer.content.decode()
    assert not Channel.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_a_taken_handle_is_named_together_with_all_else_that_is_wrong(client: Client, media: Path) -> None:
    make_channel(make_person("nora"), "northlight")
    client.force_login(make_person("ada"))
    answer = client.post(
        "/studio/channel/open/", {"handle": "northlight", "title": "x" * 300, "avatar": upload(b"no picture")}
    )
    errors = answer.context["form"].errors
    assert set(errors) == {"handle", "title", "avatar"}
    assert errors["title"] == ["Use at most 120 characters; this has 300."]


def test_a_look_alike_handle_is_refused_with_a_reason(client: Client) -> None:
    make_channel(make_person("nora"), "northlight")
    client.force_login(make_person("ada"))
    answer = client.post("/studio/channel/open/", {"handle": "n0rthlight", "title": "A"})
    assert answer.status_code == 422
    assert "looks too much like @northlight" in answer.content.decode()


def test_losing_a_race_for_a_handle_leaves_no_picture_behind(
    client: Client, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_channel(make_person("nora"), "northlight")
    client.force_login(make_person("ada"))
    # The other channel is opened after this one looked and before it wrote.
    monkeypatch.setattr(service.OpenChannel, "refuse_a_look_alike", lambda self, opening: None)
    answer = client.post("/studio/channel/open/", {"handle": "n0rthlight", "title": "A", "avatar": upload()})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"handle"}
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_no_redirect_is_kept_for_the_back_button(client: Client) -> None:
    """Kept, the old one would send whoever has just opened a channel in circles."""
    client.force_login(make_person())
    for path in ("/studio/", "/studio/channel/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Cache-Control"] == "no-store"
    assert client.get("/studio/channel/open/")["Cache-Control"] == "private, no-cache"


def test_opening_twice_leads_to_the_channel_that_is_there(client: Client) -> None:
    person = make_person()
    make_channel(person)
    client.force_login(person)
    assert client.get("/studio/channel/open/")["Location"] == "/studio/"
    assert client.post("/studio/channel/open/", {"handle": "another", "title": "A"})["Location"] == "/studio/"
    assert Channel.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_new_picture_replaces_the_old_one_on_disk(client: Client, media: Path) -> None:
    client.force_login(make_person())
    client.post("/studio/channel/open/", {"handle": "northlight", "title": "A", "avatar": upload()})
    first = Channel.objects.get().avatar
    client.post("/studio/channel/", {"title": "B", "description": "", "avatar": upload(picture(200, 200))})
    channel = Channel.objects.get()
    assert channel.title == "B"
    assert channel.avatar != first
    assert [path.relative_to(media).as_posix() for path in media.rglob("*.webp")] == [channel.avatar]
    client.post("/studio/channel/", {"title": "B", "description": "", "remove_avatar": "on"})
    assert Channel.objects.get().avatar == ""
    assert not list(media.rglob("*.webp"))


def test_a_picture_is_served_as_a_picture_and_for_ever(client: Client) -> None:
    client.force_login(make_person())
    client.post("/studio/channel/open/", {"handle": "northlight", "title": "A", "avatar": upload()})
    answer = client.get(default_storage.url(Channel.objects.get().avatar))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/webp"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in answer["Cache-Control"]
    answer.close()


@pytest.mark.parametrize(
    "path", ["avatars/../x", "../secrets/secret_key", "avatars/%2e%2e/x.webp", "other/aa/file.webp"]
)
def test_nothing_else_of_the_media_folder_has_an_address(client: Client, path: str) -> None:
    assert client.get(f"/media/{path}").status_code == 404


@pytest.mark.parametrize(
    ("below", "section", "current"),
    [
        ("/studio/", "/studio/", "page"),
        ("/studio/films/{film}/", "/studio/", "true"),
        ("/studio/films/{film}/price/", "/studio/", "true"),
        ("/studio/earnings/", "/studio/earnings/", "page"),
        ("/studio/earnings/statements/", "/studio/earnings/", "true"),
        ("/studio/earnings/address/", "/studio/earnings/", "true"),
    ],
)
def test_the_studio_marks_the_section_that_a_page_belongs_to(
    client: Client, below: str, section: str, current: str
) -> None:
    channel = make_channel(make_person("wim"), "wim")
    client.force_login(channel.owner)
    page = client.get(below.format(film=new_video(channel).public_id)).content.decode()
    marked = f'<a href="{section}" aria-current="{current}">'
    assert page.partition('class="settings-nav"')[2].count(marked) == 1
