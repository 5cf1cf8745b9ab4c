"""What ffmpeg itself is told, at every level, about an input that cannot be trusted.

Its file formats can name further files (playlists, concatenations, manifests), its protocols reach anywhere, and some of
its readers make gigabytes out of kilobytes. Measured with ffmpeg 9.0 and 20 hostile files: the list of formats is what
keeps files safe where no wall does; the list of protocols alone leaks six of the twenty.
"""

from __future__ import annotations

from mutoscope.engines.sandbox.job import Places
from mutoscope.engines.sandbox.levels import Level

# Containers whose readers open no further file. Playlists (hls, dash, concat, imf, sdp) are left out on purpose.
FORMATS = ("mov", "matroska", "webm", "mpegts", "avi", "flv", "mpeg", "ogg", "asf", "mxf", "wav", "mp3", "flac", "aac")
IMAGE_FORMATS = ("png_pipe", "jpeg_pipe", "webp_pipe", "image2pipe")
SUBTITLE_FORMATS = ("srt", "webvtt", "ass")
# 8K UHD: 8192 x 4320.
PIXELS_MAX = 35_389_440

GLOBAL = ("-hide_banner", "-nostdin", "-max_alloc", str(512 * 1024 * 1024))


def trusted_only_with(places: Places, name: str, formats: tuple[str, ...] = FORMATS) -> list[str]:
    """The arguments that open input `name`, `-i` and its value last.

    Where nothing but ffmpeg's own promise keeps it from other files, it gets the input as an open file and no protocol
    that could open another.
    """
    bounds = ["-format_whitelist", ",".join(formats), "-max_pixels", str(PIXELS_MAX)]
    if places.level is Level.WHITELIST:
        return ["-protocol_whitelist", "fd", *bounds, "-fd", str(places.handle(name)), "-i", "fd:"]
    return ["-protocol_whitelist", "file", *bounds, "-i", f"file:{places.input(name)}"]


def drawn_text(path: str) -> str:
    """The drawtext filter's options for a text that stands in a file, which is neither parsed nor expanded.

    A title inside the filter's own syntax could name a file to read or end the option. `path` is one of our own making.
    """
    if any(character in path for character in "':\\,;[]"):
        raise ValueError(f"{path!r} cannot be written into a filter")
    return f"textfile='{path}':expansion=none"
