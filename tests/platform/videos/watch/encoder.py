"""A whole edition for tests: real ffmpeg, real encryption, the published layout. Encoded once a run, stored for each film.

Half a minute in two qualities, with sound and subtitles; a key each ten seconds, so that playing on needs keys again.
"""

from __future__ import annotations

import re
import secrets
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imageio_ffmpeg
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone
from PIL import Image

from mutoscope.platform.videos.domain.places import SPRITE_MAP
from mutoscope.platform.videos.keys import new_key, seal
from mutoscope.platform.videos.models import (
    AudioTrack,
    Cover,
    Edition,
    KeyPeriod,
    Piece,
    Rendition,
    Sprite,
    Subtitle,
    Video,
)
from mutoscope.platform.videos.tokens import letters

SECONDS = 30
SEGMENT_MS = 3_000
KEY_PERIOD_MS = 10_000
HEIGHTS = {"144p": (256, 144, "avc1.42c00c"), "240p": (426, 240, "avc1.42c015")}
TILE = (96, 54)


@dataclass(frozen=True)
class Encoded:
    """What ffmpeg made: by stream, the init segment and the media segments with their seconds."""

    streams: dict[str, tuple[bytes, list[tuple[bytes, float]]]]
    trailer: bytes


@cache
def encoded() -> Encoded:
    with tempfile.TemporaryDirectory() as folder:
        streams = {
            name: _hls(Path(folder) / name, ["-map", "0:v", "-vf", f"scale={width}:{height}", *_video()])
            for name, (width, height, _) in HEIGHTS.items()
        }
        streams["audio-0"] = _hls(Path(folder) / "audio-0", ["-map", "1:a", "-c:a", "aac", "-b:a", "48k"])
        trailer = Path(folder) / "trailer.mp4"
        _ffmpeg(["-map", "0:v", "-t", "3", *_video(), "-movflags", "+faststart", str(trailer)])
        return Encoded(streams, trailer.read_bytes())


def _video() -> list[str]:
    return ["-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-r", "24", "-g", "72",
            "-keyint_min", "72", "-sc_threshold", "0"]  # fmt: skip


def _hls(folder: Path, arguments: list[str]) -> tuple[bytes, list[tuple[bytes, float]]]:
    folder.mkdir()
    _ffmpeg([*arguments, "-t", str(SECONDS), "-f", "hls", "-hls_time", "3", "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod",
             "-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", str(folder / "%d.m4s"), str(folder / "p.m3u8")])  # fmt: skip
    seconds = [float(each) for each in re.findall(r"#EXTINF:([\d.]+)", (folder / "p.m3u8").read_text())]
    segments = [(folder / f"{number}.m4s").read_bytes() for number in range(len(seconds))]
    return (folder / "init.mp4").read_bytes(), list(zip(segments, seconds, strict=True))


def _ffmpeg(arguments: list[str]) -> None:
    inputs = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=426x240:rate=24",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=330:sample_rate=48000",
    ]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *inputs, *arguments]
    subprocess.run(command, check=True, timeout=120)


def give_edition(video: Video, *, subtitles: bool = True, is_whole: bool = True) -> Edition:
    """Files and rows of a finished edition, hung on the film, with its cover, sprites, trailer and subtitles."""
    made = encoded()
    edition = Edition.objects.create(
        video=video,
        segment_ms=SEGMENT_MS,
        key_period_ms=KEY_PERIOD_MS,
        duration_ms=SECONDS * 1000,
        trailer_file="trailer.mp4",
        whole_at=timezone.now() if is_whole else None,
    )
    _keep(f"{edition.folder()}/trailer.mp4", made.trailer)
    keys = [new_key() for _ in range(-(-SECONDS * 1000 // KEY_PERIOD_MS))]
    for number, key in enumerate(keys):
        KeyPeriod.objects.create(edition=edition, number=number, sealed_key=seal(key, edition.token, number))
    for name, (init, segments) in made.streams.items():
        _stream(edition, name, init, segments, keys)
    _pictures(video, edition)
    if subtitles:
        _subtitles(video)
    Video.objects.filter(pk=video.pk).update(edition=edition, duration_ms=SECONDS * 1000, cover=video.cover)
    video.refresh_from_db()
    return edition


def _stream(edition: Edition, name: str, init: bytes, segments: list[tuple[bytes, float]], keys: list[bytes]) -> None:
    init_file = f"init-{letters(8)}.mp4"
    _keep(f"{edition.folder()}/{name}/{init_file}", init)
    bandwidth = max(int(len(content) * 8 / seconds) for content, seconds in segments)
    fields = {
        "edition": edition,
        "name": name,
        "init_file": init_file,
        "bandwidth_max": bandwidth,
        "bandwidth_mean": bandwidth,
    }
    if name in HEIGHTS:
        width, height, codecs = HEIGHTS[name]
        Rendition.objects.create(
            **fields, codecs=codecs, width=width, height=height, frame_num=24, frame_den=1, timescale=12_288
        )
        timescale = 12_288
    else:
        AudioTrack.objects.create(
            **fields, codecs="mp4a.40.2", language="en", label="English", is_default=True, timescale=48_000
        )
        timescale = 48_000
    rows, at_ms = [], 0.0
    for number, (content, seconds) in enumerate(segments):
        period = min(len(keys) - 1, int(at_ms) // KEY_PERIOD_MS)
        iv = secrets.token_bytes(16)
        file = f"{number}-{letters(8)}.m4s"
        ciphertext = encrypted(content, keys[period], iv)
        _keep(f"{edition.folder()}/{name}/{file}", ciphertext)
        rows.append([file, round(seconds * timescale), len(ciphertext), iv.hex(), "", period])
        at_ms += seconds * 1000
    Piece.objects.create(edition=edition, stream=name, first_number=0, segments=rows)


def encrypted(content: bytes, key: bytes, iv: bytes) -> bytes:
    padder = padding.PKCS7(128).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def decrypted(content: bytes, key: bytes, iv: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(content) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


@cache
def _drawn() -> tuple[bytes, bytes]:
    """The sheet of sprites and the cover, the same for every film."""
    with tempfile.TemporaryDirectory() as folder:
        sheet, cover = Path(folder) / "sheet.jpg", Path(folder) / "cover.jpg"
        _ffmpeg(
            [
                "-map",
                "0:v",
                "-t",
                str(SECONDS),
                "-vf",
                f"fps=1/5,scale={TILE[0]}:{TILE[1]},tile=3x2",
                "-frames:v",
                "1",
                str(sheet),
            ]
        )
        Image.effect_mandelbrot((640, 360), (-2.2, -1.2, 0.9, 1.2), 60).convert("RGB").save(cover)
        return sheet.read_bytes(), cover.read_bytes()


def _pictures(video: Video, edition: Edition) -> None:
    sheet, cover = _drawn()
    file = f"sprites/0-{letters(8)}.jpg"
    _keep(f"{edition.folder()}/{file}", sheet)
    name = f"{video.public_id}/covers/{letters(8)}.jpg"
    _keep(name, cover)
    cues = "".join(
        f"{_clock(5 * tile)} --> {_clock(5 * tile + 5)}\n{Path(file).name}#xywh={96 * (tile % 3)},{54 * (tile // 3)},96,54\n\n"
        for tile in range(6)
    )
    _keep(f"{edition.folder()}/{SPRITE_MAP}", f"WEBVTT\n\n{cues}".encode())
    Sprite.objects.create(edition=edition, number=0, file=file, columns=3, rows=2, tile_width=96, tile_height=54,
                          first_ms=0, interval_ms=5000, tiles=6)  # fmt: skip
    video.cover = Cover.objects.create(video=video, file=name, width=640, height=360, at_ms=0)


def _subtitles(video: Video) -> None:
    for language, label, words in (("en", "English", "The harbour wakes"), ("de", "Deutsch", "Der Hafen erwacht")):
        name = f"{video.public_id}/subtitles/{letters(8)}.vtt"
        _keep(name, f"WEBVTT\n\n00:00.000 --> 00:40.000\n{words}\n".encode())
        Subtitle.objects.create(video=video, language=language, label=label, file=name, cues=1)


def _clock(seconds: int) -> str:
    return f"00:00:{seconds:02}.000"


def _keep(name: str, content: bytes) -> None:
    storages["films"].save(name, ContentFile(content))
