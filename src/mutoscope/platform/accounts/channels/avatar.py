"""Make a safe square picture out of whatever was uploaded, and keep it."""

from __future__ import annotations

import io
import secrets
import warnings
from typing import BinaryIO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageOps, UnidentifiedImageError

from mutoscope.platform.accounts.failures import NotAnImage

UPLOAD_BYTES_MAX = 8 * 1024 * 1024
# The decoder needs about four bytes for each: 160 MB at most, for a moment.
PIXELS_MAX = 40_000_000
SIDE_PIXELS_MIN = 64
SIDE_PIXELS = 512
FORMATS = ("PNG", "JPEG", "WEBP")
FOLDER = "avatars"


def square_webp(upload: BinaryIO) -> bytes:
    """The picture, upright, cut to its middle square, SIDE_PIXELS wide, as WebP without metadata. Raises NotAnImage.

    The size that the file claims is checked before a pixel is decoded, so a small file that unpacks to a huge picture
    costs nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # PIXELS_MAX is below its threshold
            image = Image.open(upload, formats=FORMATS)
        width, height = image.size
        if width * height > PIXELS_MAX:
            raise NotAnImage(
                why=f"This picture has {width} x {height} pixels, which is more than we can take. Make it smaller."
            )
        if min(width, height) < SIDE_PIXELS_MIN:
            raise NotAnImage(
                why=f"This picture has {width} x {height} pixels. Use one of at least {SIDE_PIXELS_MIN} x {SIDE_PIXELS_MIN}."
            )
        # JPEG can be decoded at a fraction of its size, which saves most of the work on a photograph.
        image.draft("RGB", (SIDE_PIXELS * 2, SIDE_PIXELS * 2))
        upright = ImageOps.exif_transpose(image)
        has_alpha = "A" in upright.getbands() or "transparency" in upright.info
        square = ImageOps.fit(upright.convert("RGBA" if has_alpha else "RGB"), (SIDE_PIXELS, SIDE_PIXELS))
        # Pixels alone are copied: a new picture has no place, camera, colour profile or comment in it.
        clean = Image.new(square.mode, square.size)
        clean.paste(square)
        encoded = io.BytesIO()
        clean.save(encoded, "WEBP", quality=84, method=4)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise NotAnImage from error
    return encoded.getvalue()


def keep(picture: bytes) -> str:
    """Store the picture and return its name, which nobody can guess."""
    token = secrets.token_urlsafe(18)
    return default_storage.save(f"{FOLDER}/{token[:2].lower()}/{token}.webp", ContentFile(picture))


def forget(name: str) -> None:
    """Delete a stored picture; no name, no effect."""
    if name:
        default_storage.delete(name)
