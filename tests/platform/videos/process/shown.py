"""What a player would get: playlists read, segments decrypted, pictures decoded."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from django.core.files.storage import storages

from mutoscope.platform.videos.keys import open_key
from mutoscope.platform.videos.models import Edition, KeyPeriod
from mutoscope.platform.videos.process import ffmpeg
from mutoscope.platform.videos.process.segments import decrypt

KEY = re.compile(r'#EXT-X-KEY:METHOD=AES-128,URI="/keys/(\w+)",IV=0x(\w+)')


@dataclass(frozen=True)
class Stream:
    """One stream, decrypted: its file, the moments of its frames in seconds, and where its segments begin."""

    path: Path
    moments: list[float]
    keys: list[float]
    starts: list[float]
    declared_s: float


def text(edition: Edition, name: str) -> str:
    with storages["films"].open(f"{edition.folder()}/{name}", "rb") as file:
        return str(file.read().decode())


def stream(edition: Edition, name: str, folder: Path) -> Stream:
    """A stream as its own playlist leads to it."""
    playlist = text(edition, f"{name}/playlist.m3u8").splitlines()
    init = next(re.findall(r'URI="([^"]+)"', line)[0] for line in playlist if line.startswith("#EXT-X-MAP"))
    map_at = next(at for at, line in enumerate(playlist) if line.startswith("#EXT-X-MAP"))
    first_key = next(at for at, line in enumerate(playlist) if line.startswith("#EXT-X-KEY"))
    assert map_at < first_key, "an init segment after a key would be taken for ciphertext"
    assert playlist[-1] == "#EXT-X-ENDLIST"
    storage, data = storages["films"], bytearray()
    with storage.open(f"{edition.folder()}/{name}/{init}", "rb") as file:
        data += file.read()
    key, iv, starts, at = b"", b"", [], 0.0
    for line in playlist:
        found = KEY.match(line)
        if found:
            period = KeyPeriod.objects.select_related("edition").get(public_id=found[1], edition=edition)
            key, iv = open_key(period), bytes.fromhex(found[2])
        elif line.startswith("#EXTINF:"):
            starts.append(at)
            at += float(line[8:].rstrip(","))
        elif line and not line.startswith("#"):
            with storage.open(f"{edition.folder()}/{name}/{line}", "rb") as file:
                cipher = file.read()
            assert b"moof" not in cipher[:64], "a segment lies there in the clear"
            data += decrypt(cipher, key, iv)
    path = folder / f"{name}-shown.mp4"
    path.write_bytes(data)
    moments, keys = frames(path)
    return Stream(path, moments, keys, starts, at)


def frames(path: Path) -> tuple[list[float], list[float]]:
    """When each frame of the first stream is shown, in order, and which of them are keys. All of it is decoded."""
    command = [str(ffmpeg.program()), "-v", "error", "-nostdin", "-copyts", "-i", str(path)]
    decoded = subprocess.run(
        [*command, "-map", "0:0", "-f", "null", "-"], capture_output=True, text=True, check=False, timeout=120
    )
    assert (decoded.returncode, decoded.stderr) == (0, ""), decoded.stderr
    listed = subprocess.run(
        [*command, "-map", "0:0", "-c", "copy", "-f", "framecrc", "-"],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout.splitlines()  # fmt: skip
    tick = Fraction(next(line.split(":", 1)[1].strip() for line in listed if line.startswith("#tb")))
    rows = [[part.strip() for part in line.split(",")] for line in listed if not line.startswith("#")]
    moments = sorted(float(int(row[2]) * tick) for row in rows)
    keys = sorted(float(int(row[2]) * tick) for row in rows if "F=0x0" not in row)
    return moments, keys
