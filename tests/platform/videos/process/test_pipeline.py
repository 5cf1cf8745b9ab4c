"""Whole films through the whole pipeline; what comes out is decrypted and decoded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from django.core.files.storage import storages
from PIL import Image

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Edition, Video
from tests.platform.videos.process import shown
from tests.platform.videos.process.conftest import Maker
from tests.platform.videos.process.sources import X264, make, picture, real_film, tone

pytestmark = pytest.mark.django_db(transaction=True)


def ready(video: Video) -> Edition:
    assert video.state == VideoState.READY, video.state_reason
    assert video.edition is not None
    assert video.next_edition is None
    return video.edition


def test_a_film_comes_out_as_it_went_in(make_film: Maker, tmp_path: Path) -> None:
    film = make(
        tmp_path / "film.mp4", *picture("640x480", "25", 6), *tone(6), "-g", "10", *X264, "-c:a", "aac", "-shortest"
    )
    video = make_film(film)
    edition = ready(video)
    names = list(edition.renditions.values_list("name", "width", "height"))
    assert names == [("240p", 320, 240), ("360p", 480, 360), ("480p", 640, 480)]
    streams = {name: shown.stream(edition, name, tmp_path) for name, _, _ in names}
    for name, stream in streams.items():
        assert len(stream.moments) == 150, name
        assert stream.moments[0] == 0
        assert stream.moments[-1] == pytest.approx(149 / 25, abs=1e-3)
        assert set(stream.starts) <= {round(key, 6) for key in stream.keys}, "a segment begins with a key"
        assert stream.declared_s == pytest.approx(6, abs=0.041)
    assert len({tuple(stream.starts) for stream in streams.values()}) == 1, "the same moments are keys everywhere"
    sound = shown.stream(edition, "audio-0", tmp_path)
    assert sound.moments[0] == 0
    assert sound.declared_s == pytest.approx(6, abs=0.05)
    main = shown.text(edition, "main.m3u8")
    assert 'AUDIO="sound"' in main
    assert "#EXT-X-I-FRAME-STREAM-INF" in main
    pictures = shown.stream(edition, "iframes", tmp_path)
    assert pictures.moments == pytest.approx(streams["240p"].starts, abs=1e-3)
    assert video.covers.count() == 5
    assert video.cover is not None
    sheet = edition.sprites.get()
    assert (sheet.tiles, sheet.interval_ms, sheet.tile_width, sheet.tile_height) == (3, 2000, 160, 120)
    with storages["films"].open(f"{edition.folder()}/{sheet.file}") as file, Image.open(file) as picture_of_sheet:
        assert picture_of_sheet.size == (5 * 160, 5 * 120)
        shown_tiles = [picture_of_sheet.convert("L").crop((160 * at, 0, 160 * at + 160, 120)) for at in range(4)]
    assert [tile.getextrema()[1] > 200 for tile in shown_tiles] == [True, True, True, False], (
        "three pictures and no more"
    )


def test_the_manifest_names_every_file_by_its_content(make_film: Maker, tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", *picture("320x240", "25", 2), *X264)
    edition = ready(make_film(film))
    root = Path(storages["films"].path(edition.folder()))
    text = (root / "manifest.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == edition.manifest_sha256
    listed = {entry["path"]: entry for entry in json.loads(text)["files"]}
    lying = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} - {"manifest.json"}
    assert set(listed) == lying
    for name, entry in listed.items():
        data = (root / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"]), name


def test_a_real_film_keeps_its_own_top_pictures(make_film: Maker, tmp_path: Path) -> None:
    film = make(tmp_path / "cut.mp4", "-t", "6", "-i", str(real_film()), "-c", "copy")
    edition = ready(make_film(film))
    assert edition.audio_tracks.get().loudness_clufs is not None
    assert list(edition.renditions.values_list("name", flat=True))[-1] == "1080p"
