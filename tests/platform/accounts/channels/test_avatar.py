"""Pictures: what comes out is small, square and clean; what is no picture is refused before it costs anything."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from mutoscope.platform.accounts.channels.avatar import SIDE_PIXELS, square_webp
from mutoscope.platform.accounts.failures import NotAnImage
from tests.people import picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(64, 64), (640, 480), (300, 1200)])
def test_any_picture_becomes_a_square_webp(kind: str, size: tuple[int, int]) -> None:
    made = Image.open(io.BytesIO(square_webp(io.BytesIO(picture(*size, kind=kind)))))
    assert (made.format, made.size) == ("WEBP", (SIDE_PIXELS, SIDE_PIXELS))


def test_metadata_is_gone_and_the_picture_upright() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x0112] = 6  # turned a quarter
    exif.get_ifd(0x8825)[1] = "N"
    original = picture(800, 600, "JPEG", exif=exif, comment=b"canary-comment", icc_profile=b"canary-profile")
    made = square_webp(io.BytesIO(original))
    assert b"canary" not in made
    assert b"a camera" not in made
    reopened = Image.open(io.BytesIO(made))
    assert not reopened.getexif()
    assert "icc_profile" not in reopened.info


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(8000, 8000), (10_000, 10_000), (60_000, 60_000)])
def test_a_small_file_that_claims_to_be_huge_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(NotAnImage):
        square_webp(io.BytesIO(bomb(*size)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + b"\0" * 40,
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 200,
        picture()[:400],
        picture(63, 400),
    ],
)
def test_what_is_no_usable_picture_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(NotAnImage) as refusal:
        square_webp(io.BytesIO(content))
    assert refusal.value.sentence()
