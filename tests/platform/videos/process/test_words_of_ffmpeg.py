"""What ffmpeg says of a file, in the words of its releases."""

from __future__ import annotations

import pytest

from mutoscope.platform.videos.process.probe import parse_header

HEADER = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'film':
  Duration: 00:00:12.00, start: 0.000000, bitrate: 380 kb/s
  Stream #0:0[0x1](und): Video: h264 (Constrained Baseline) (avc1 / 0x31637661), yuv420p(progressive), 1280x720 [SAR 1:1 DAR 16:9], 303 kb/s, 30 fps, 30 tbr, 15360 tbn (default)
    Metadata:
      handler_name    : VideoHandler
    Side data:
      {words}: rotation of 90.00 degrees
"""


@pytest.mark.parametrize("words", ["displaymatrix", "Display Matrix"])
def test_a_film_of_a_phone_held_upright_is_upright(words: str) -> None:
    picture, *_ = parse_header(HEADER.format(words=words))
    assert picture.upright() == (720, 1280)
