"""The tus protocol as its document has it, byte by byte."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from mutoscope.engines.sandbox import Level, NoSandbox
from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.videos import walls
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.upload import appending, endpoints, files
from mutoscope.platform.videos.upload.failures import WrongOffset
from mutoscope.platform.videos.upload.service import title_from
from mutoscope.platform.videos.upload.tasks import sweep_files, sweep_uploads
from tests.people import make_channel, make_person
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.django_db

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = "application/offset+octet-stream"


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS_FOLDER = tmp_path / "uploads"


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_person())


@pytest.fixture
def creator(client: Client, channel: Channel) -> Client:
    client.force_login(channel.owner)
    return client


def begin(client: Client, length: int, name: str = "voyage.mp4", **more: str) -> Any:
    metadata = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in {"filename": name, **more}.items())
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": metadata}
    return client.post("/uploads/", headers=headers, content_type=CHUNK)


def add(client: Client, address: str, offset: int, data: bytes, **headers: str) -> Any:
    return client.patch(address, data, content_type=CHUNK, headers={**TUS, "Upload-Offset": str(offset), **headers})


def where(client: Client, address: str) -> int:
    return int(client.head(address, headers=TUS)["Upload-Offset"])


def test_options_says_what_is_spoken(client: Client) -> None:
    answer = client.options("/uploads/")
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert set(answer["Tus-Extension"].split(",")) == {"creation", "termination", "checksum", "expiration"}
    assert "sha1" in answer["Tus-Checksum-Algorithm"]


def test_a_file_in_two_parts_becomes_a_video_in_processing(creator: Client, monkeypatch: Any) -> None:
    started: list[tuple[int, str]] = []
    monkeypatch.setattr(
        "mutoscope.platform.videos.upload.service.start_processing",
        lambda video_id, upload_token: started.append((video_id, upload_token)),
    )
    answer = begin(creator, 10, "My_first.voyage.mp4")
    assert answer.status_code == 201
    address = answer["Location"]
    video = Video.objects.get(public_id=answer["Upload-Video"])
    assert video.title == "My first voyage"
    assert video.state == VideoState.UPLOADING
    assert add(creator, address, 0, b"01234")["Upload-Offset"] == "5"
    assert where(creator, address) == 5
    assert add(creator, address, 5, b"56789")["Upload-Offset"] == "10"
    upload = Upload.objects.get()
    assert files.path_of(upload.token).read_bytes() == b"0123456789"
    assert upload.state == Upload.State.COMPLETE
    video.refresh_from_db()
    assert video.state == VideoState.PROCESSING
    assert started == [(video.pk, upload.token)]


def test_a_server_that_died_after_the_last_byte_finishes_when_it_is_asked(creator: Client, monkeypatch: Any) -> None:
    started: list[int] = []
    monkeypatch.setattr(
        "mutoscope.platform.videos.upload.service.start_processing", lambda video_id, upload_token: started.append(1)
    )
    address = begin(creator, 4)["Location"]
    with monkeypatch.context() as dying:
        dying.setattr(endpoints, "finish_if_whole", lambda upload, offset: None)
        add(creator, address, 0, b"0123")
    assert started == []
    assert where(creator, address) == 4
    assert where(creator, address) == 4
    assert started == [1]


def test_a_wrong_offset_is_a_conflict_and_changes_nothing(creator: Client) -> None:
    address = begin(creator, 10)["Location"]
    add(creator, address, 0, b"01234")
    answer = add(creator, address, 3, b"xx")
    assert answer.status_code == 409
    assert answer["Upload-Offset"] == "5"
    assert files.path_of(Upload.objects.get().token).read_bytes() == b"01234"


def test_more_than_was_announced_is_refused(creator: Client) -> None:
    address = begin(creator, 4)["Location"]
    assert add(creator, address, 0, b"01234").status_code == 413
    assert where(creator, address) == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_a_checksum_is_all_or_nothing(creator: Client, algorithm: str) -> None:
    address = begin(creator, 10)["Location"]
    digest = base64.b64encode(hashlib.new(algorithm, b"01234").digest()).decode()
    spoilt = add(creator, address, 0, b"01x34", **{"Upload-Checksum": f"{algorithm} {digest}"})
    assert spoilt.status_code == 460
    assert where(creator, address) == 0
    good = add(creator, address, 0, b"01234", **{"Upload-Checksum": f"{algorithm} {digest}"})
    assert good.status_code == 204
    assert where(creator, address) == 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "10"}, 412),
        ({**TUS, "Upload-Length": "ten"}, 400),
        ({**TUS, "Upload-Length": "-1"}, 400),
        ({**TUS, "Upload-Length": "0"}, 400),
        ({**TUS, "Upload-Length": "9" * 30}, 400),
        ({**TUS}, 400),
        ({**TUS, "Upload-Length": "10", "Upload-Metadata": "filename !!!"}, 400),
        ({**TUS, "Upload-Length": "10", "Upload-Metadata": "video bm9uc2Vuc2U="}, 404),
    ],
)
def test_what_cannot_be_read_is_refused_whole(creator: Client, headers: dict[str, str], status: int) -> None:
    answer = creator.post("/uploads/", headers=headers, content_type=CHUNK)
    assert answer.status_code == status
    assert answer["Tus-Resumable"] == "1.0.0"
    assert answer.json()["detail"]
    assert not Video.objects.exists()


@pytest.mark.parametrize("parts", ["partial", "final;/uploads/a /uploads/b"])
def test_a_part_is_refused_and_never_becomes_a_film(creator: Client, parts: str) -> None:
    headers = {**TUS, "Upload-Length": "10", "Upload-Concat": parts}
    answer = creator.post("/uploads/", headers=headers, content_type=CHUNK)
    assert answer.status_code == 400
    assert "Upload-Concat" in answer.json()["detail"]
    assert not Upload.objects.exists()


def test_a_quota_counts_what_is_under_way(creator: Client, settings: Any) -> None:
    settings.CHANNEL_BYTES_MAX = 100
    assert begin(creator, 60).status_code == 201
    refused = begin(creator, 60)
    assert refused.status_code == 403
    assert "room for 40 bytes more" in refused.json()["detail"]
    settings.UPLOAD_BYTES_MAX = 10
    assert begin(creator, 20).status_code == 413


def test_somebody_elses_upload_is_not_there(creator: Client, channel: Channel) -> None:
    address = begin(creator, 10)["Location"]
    other = Client()
    assert other.head(address, headers=TUS).status_code == 401
    other.force_login(make_channel(make_person("mara"), "elsewhere").owner)
    for answer in (
        other.head(address, headers=TUS),
        add(other, address, 0, b"01234"),
        other.delete(address, headers=TUS),
    ):
        assert answer.status_code == 404
    assert where(creator, address) == 0


def test_strangers_files_need_walls_unless_the_operator_says_otherwise(
    creator: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(walls, "best", lambda: Level.WHITELIST)
    refused = begin(creator, 10)
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:mutoscope:upload:NotSafeHere"
    assert not Video.objects.exists()
    settings.UPLOADS_WITHOUT_WALLS = True
    assert begin(creator, 10).status_code == 201

    def none_at_all() -> Level:
        raise NoSandbox

    monkeypatch.setattr(walls, "best", none_at_all)
    assert begin(creator, 10).status_code == 403, "without any sandbox nobody can say otherwise"


@pytest.mark.parametrize("level", [Level.BUBBLEWRAP, Level.LANDLOCK])
def test_behind_walls_around_files_uploads_are_taken(
    creator: Client, monkeypatch: pytest.MonkeyPatch, level: Level
) -> None:
    monkeypatch.setattr(walls, "best", lambda: level)
    assert begin(creator, 10).status_code == 201


def test_without_a_channel_nothing_begins(client: Client) -> None:
    client.force_login(make_person())
    assert begin(client, 10).status_code == 403


def test_cancelling_takes_bytes_and_video_along(creator: Client, django_capture_on_commit_callbacks: Any) -> None:
    address = begin(creator, 10)["Location"]
    path = files.path_of(Upload.objects.get().token)
    add(creator, address, 0, b"01234")
    with django_capture_on_commit_callbacks(execute=True):
        assert creator.delete(address, headers=TUS).status_code == 204
    assert not path.exists()
    assert not Video.objects.exists()
    assert creator.head(address, headers=TUS).status_code == 404


def test_an_expired_upload_is_swept_and_its_video_waits_as_a_draft(
    creator: Client, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.UPLOAD_LIFETIME_S = -10
    address = begin(creator, 10)["Location"]
    path = files.path_of(Upload.objects.get().token)
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep_uploads.func() == 1
    assert not path.exists()
    video = Video.objects.get()
    assert video.state == VideoState.DRAFT
    assert "not finished in time" in video.state_reason
    assert creator.head(address, headers=TUS).status_code == 410
    assert begin(creator, 10, video=video.public_id).status_code == 201, "the draft takes another file"


def test_a_film_nobody_saw_yet_takes_another_file_and_stays_ready_where_that_is_cancelled_or_late(
    creator: Client, channel: Channel, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    video = new_video(channel, VideoState.READY)
    address = begin(creator, 10, video=video.public_id)["Location"]
    assert Video.objects.get().state == VideoState.UPLOADING
    with django_capture_on_commit_callbacks(execute=True):
        assert creator.delete(address, headers=TUS).status_code == 204
    again = Video.objects.get()
    assert (again.state, again.edition_id) == (VideoState.READY, video.edition_id)
    settings.UPLOAD_LIFETIME_S = -10
    begin(creator, 10, video=video.public_id)
    assert sweep_uploads.func() == 1
    again = Video.objects.get()
    assert (again.state, again.edition_id) == (VideoState.READY, video.edition_id)
    assert "not finished in time" in again.state_reason


def test_what_was_made_of_the_first_file_goes_when_the_other_is_whole(creator: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.READY)
    address = begin(creator, 5, video=video.public_id)["Location"]
    assert add(creator, address, 0, b"01234").status_code == 204
    again = Video.objects.get()
    assert (again.state, again.edition, again.original_bytes) == (VideoState.PROCESSING, None, 5)
    assert video.editions.get().dropped_at is not None


def test_a_film_that_others_saw_keeps_its_file(creator: Client, channel: Channel) -> None:
    video = new_video(channel, VideoState.PUBLISHED)
    for state in (VideoState.PUBLISHED, VideoState.READY):
        if state is VideoState.READY:
            move(video.pk, VideoState.READY)
        refused = begin(creator, 10, video=video.public_id)
        assert refused.status_code == 409
        assert "what was shown stays as it was" in refused.json()["detail"]
        assert Video.objects.get().state == state
    assert not Upload.objects.exists()


def test_bytes_without_a_row_are_swept(creator: Client) -> None:
    begin(creator, 10)
    files.begin("b" * 24)
    assert sweep_files(older_than_s=-1) == 1
    assert files.path_of(Upload.objects.get().token).exists()


def test_a_request_that_froze_is_fenced_off_by_the_next(creator: Client) -> None:
    address = begin(creator, 10)["Location"]
    upload = Upload.objects.get()
    frozen = appending.take_over(upload, 0)
    assert add(creator, address, 0, b"01234").status_code == 204

    class Late:
        def read(self, size: int, /) -> bytes:
            return b"xxxxx"

    with pytest.raises(WrongOffset):
        appending.append(frozen, Late(), None)
    assert files.path_of(upload.token).read_bytes() == b"01234"


def test_what_came_before_the_line_broke_is_kept(creator: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(appending, "BLOCK_BYTES", 2)
    begin(creator, 10)
    upload = Upload.objects.get()

    class Breaking:
        blocks = [b"01", b"23"]

        def read(self, size: int, /) -> bytes:
            if not self.blocks:
                raise ConnectionResetError
            return self.blocks.pop(0)

    with pytest.raises(ConnectionResetError):
        appending.append(appending.take_over(upload, 0), Breaking(), None)
    upload.refresh_from_db()
    assert upload.offset_bytes == 4
    assert files.path_of(upload.token).read_bytes() == b"0123"


def test_a_full_disk_asks_to_wait(creator: Client, monkeypatch: Any) -> None:
    address = begin(creator, 10)["Location"]

    def full(token: str, offset: int, block: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as filled:
        filled.setattr(files, "write", full)
        answer = add(creator, address, 0, b"01234")
    assert answer.status_code == 507
    assert answer["Retry-After"]
    assert add(creator, address, where(creator, address), b"01234").status_code == 204


def test_networks_that_know_only_post(creator: Client) -> None:
    address = begin(creator, 10)["Location"]
    headers = {**TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert creator.post(address, b"012", content_type=CHUNK, headers=headers)["Upload-Offset"] == "3"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("My_first.voyage.mp4", "My first voyage"),
        ("../../etc/passwd", "passwd"),
        ("C:\\films\\moon.mov", "moon"),
        ("", "Untitled film"),
        ("\u202e\u200b.mp4", "Untitled film"),
        ("x" * 500 + ".mp4", "x" * 100),
        ("<script>alert(1)</script>.mp4", "script>"),
    ],
)
def test_a_file_name_is_a_first_title_and_never_a_path(name: str, title: str) -> None:
    assert title_from(name) == title
