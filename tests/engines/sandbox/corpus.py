"""Files that make ffmpeg reach for other files, for the network, or for all the memory there is. Made here, none fetched."""

from __future__ import annotations

import struct
import subprocess
import zlib
from functools import cache
from pathlib import Path

import imageio_ffmpeg

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())


def reaching(secret: Path, port: int) -> dict[str, bytes]:
    """Files that name `secret` or a loopback port, in every way that ffmpeg's readers know."""
    url = f"http://127.0.0.1:{port}/reached"
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n"
    keyed = '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-KEY:METHOD=AES-128,URI="{}"\n#EXTINF:10,\nx.ts\n#EXT-X-ENDLIST\n'
    manifest = (
        '<?xml version="1.0"?>{}<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S"'
        ' profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">'
        '<Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL><SegmentList><SegmentURL media="{}"/></SegmentList>'
        "</Representation></AdaptationSet></Period></MPD>"
    )
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
    texts = {
        "concat-file": f"ffconcat version 1.0\nfile {secret}\n",
        "concat-url": f"ffconcat version 1.0\nfile {url}\n",
        "concat-protocol": f"ffconcat version 1.0\nfile concat:{secret}|{secret}\n",
        "concat-subfile": f"ffconcat version 1.0\nfile subfile,,start,0,end,0,,:{secret}\n",
        "concat-options": f"ffconcat version 1.0\nfile {secret}\noption format rawvideo\n",
        "hls-file": playlist.format(f"file://{secret}"),
        "hls-path": playlist.format(secret),
        "hls-url": playlist.format(url),
        "hls-concat": playlist.format(f"concat:{secret}|{secret}"),
        "hls-key": keyed.format(f"file://{secret}"),
        "hls-key-url": keyed.format(url),
        "hls-map": f'#EXTM3U\n#EXT-X-MAP:URI="{secret}"\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n',
        "hls-variant": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}.m3u8\n",
        "dash-file": manifest.format("", f"file://{secret}", secret),
        "dash-url": manifest.format("", url, url),
        "dash-entity": manifest.format(entity, "&e;", "&e;"),
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "svg": f'<?xml version="1.0"?>{entity}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' width="64" height="64"><image xlink:href="{secret}"/><image xlink:href="{url}"/><text>&e;</text></svg>',
        "smil": f'<smil><body><video src="{url}"/></body></smil>',
        "imf": f'<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">{secret}</CompositionPlaylist>',
        "asx": f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
        "pls": f"[playlist]\nFile1={secret}\nNumberOfEntries=1\n",
        "mov-reference": "",
    }
    files = {name: text.encode() for name, text in texts.items()}
    files["mov-reference"] = _reference_movie(str(secret).encode())
    return files


def names(secret: Path, port: int) -> list[str]:
    """Names that ffmpeg takes for something other than a name."""
    return [
        f"concat:{secret}|{secret}",
        f"subfile,,start,0,end,0,,:{secret}",
        f"http://127.0.0.1:{port}/reached",
        f"file:{secret}",
        f"data:text/plain,{secret}",
        "pipe:0",
        "-i",
        "%03d.png",
        "a'b:c,d;e[f].mp4",
        "..mp4",
    ]


@cache
def exhausting() -> dict[str, bytes]:
    """Small files that ask for much."""
    return {
        "png-20000": _png(20_000, 20_000),
        "png-12000": _png(12_000, 12_000),
        "mov-with-large-png": _movie(_png(12_000, 12_000), b"png ", 12_000, 12_000),
        "mov-of-a-day": _movie(_png(16, 16), b"png ", 16, 16, seconds=86_400),
        "mov-with-huge-table": _movie(_png(16, 16), b"png ", 16, 16, samples=0x0FFFFFFF),
        "mov-with-compressed-head": _compressed_movie(claimed=0x7FFFFFFF, real=50_000_000),
        "matroska-with-compressed-frames": _matroska_of_compressed_frames(real=50_000_000),
        "matroska-with-endless-element": b"\x1a\x45\xdf\xa3" + b"\x01\xff\xff\xff\xff\xff\xff\xff" + b"\0" * 4096,
        "zeros": b"\0" * 1_000_000,
        "noise": bytes((i * 7919 + i // 251) % 256 for i in range(300_000)),
    }


def good_film(folder: Path) -> Path:
    """Two seconds of picture and sound that every level must play."""
    film = folder / "good.mp4"
    subprocess.run(
        [FFMPEG, "-v", "error", "-f", "lavfi", "-i", "testsrc2=d=2:s=320x180", "-f", "lavfi", "-i", "sine=d=2",
         "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", film],
        check=True,
    )  # fmt: skip
    return film


def damaged(film: Path) -> dict[str, bytes]:
    """The good film, cut short and with bits turned over in many places."""
    whole = film.read_bytes()
    files = {f"cut-{part}": whole[: len(whole) * part // 10] for part in range(1, 10, 2)}
    for seed in range(12):
        flipped = bytearray(whole)
        state = seed * 2_654_435_761 + 1
        for _ in range(40):
            state = (state * 1_103_515_245 + 12_345) % 2**31
            flipped[state % len(flipped)] ^= 1 << (state >> 8) % 8
        files[f"flipped-{seed}"] = bytes(flipped)
    return files


def _png(width: int, height: int) -> bytes:
    """A valid picture of one colour: a bitmap of one bit a pixel, so that the file stays small."""
    row = b"\0" + b"\0" * ((width + 7) // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", len(content) + 8) + kind + content


def _movie(
    frame: bytes, codec: bytes, width: int, height: int, *, seconds: int = 1, samples: int = 2, reference: bytes = b""
) -> bytes:
    """A QuickTime file of one track whose samples all are `frame`. ISO/IEC 14496-12 has the boxes."""
    data_at = 8 + 20
    matrix = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    head = _box(
        b"mvhd",
        struct.pack(">IIIII", 0, 0, 0, 1000, seconds * 1000),
        b"\0\1\0\0\1\0" + b"\0" * 10,
        matrix,
        b"\0" * 24 + b"\0\0\0\2",
    )
    track = _box(
        b"tkhd",
        struct.pack(">IIIIII", 7, 0, 0, 1, 0, seconds * 1000),
        b"\0" * 16,
        matrix,
        struct.pack(">II", width << 16, height << 16),
    )
    media = _box(b"mdhd", struct.pack(">IIIII", 0, 0, 0, 1000, seconds * 1000), b"\0" * 4)
    handler = _box(b"hdlr", b"\0" * 8 + b"vide" + b"\0" * 13)
    entry = struct.pack(">I4sIIIHHIII", 86, codec, 0, 1, 0, 0, 0, 0, 0, 0)[:32]
    entry = (
        struct.pack(">I4s6xH", 86, codec, 1)
        + b"\0" * 16
        + struct.pack(">HHIIIH", width, height, 0x480000, 0x480000, 0, 1)
        + b"\0" * 32
        + struct.pack(">HH", 24, 0xFFFF)
    )
    described = _box(b"stsd", struct.pack(">II", 0, 1), entry)
    times = _box(b"stts", struct.pack(">IIII", 0, 1, samples, max(1, seconds * 1000 // samples)))
    chunks = _box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1))
    sizes = _box(b"stsz", struct.pack(">III", 0, len(frame), samples))
    offsets = _box(b"stco", struct.pack(">II", 0, 2), struct.pack(">II", data_at, data_at))
    reach = reference or _box(b"url ", struct.pack(">I", 1))
    info = _box(
        b"minf",
        _box(b"vmhd", struct.pack(">IQ", 1, 0)),
        _box(b"dinf", _box(b"dref", struct.pack(">II", 0, 1), reach)),
        _box(b"stbl", described, times, chunks, sizes, offsets),
    )
    movie = _box(b"moov", head, _box(b"trak", track, _box(b"mdia", media, handler, info)))
    return _box(b"ftyp", b"qt  \0\0\0\0qt  ") + _box(b"mdat", frame) + movie


def _compressed_movie(claimed: int, real: int) -> bytes:
    """A QuickTime file whose head is deflated zeros: a few hundred kilobytes that claim to be gigabytes."""
    packed = _deflated_zeros(real)
    kind = _box(b"dcom", b"zlib")
    content = _box(b"cmvd", struct.pack(">I", claimed), packed)
    return _box(b"ftyp", b"qt  \0\0\0\0qt  ") + _box(b"moov", _box(b"cmov", kind, content))


def _matroska_of_compressed_frames(real: int) -> bytes:
    """A track of raw pictures, each of which is deflated zeros. RFC 9559 has the elements."""
    head = _element(0x1A45DFA3, _element(0x4282, b"matroska"), _element(0x4287, b"\4"), _element(0x4285, b"\2"))
    compression = _element(0x6240, _element(0x5034, _element(0x4254, b"\0")))
    picture = _element(0xE0, _element(0xB0, struct.pack(">H", 64)), _element(0xBA, struct.pack(">H", 64)))
    described = [
        _element(0xD7, b"\1"),
        _element(0x73C5, b"\1"),
        _element(0x83, b"\1"),
        _element(0x86, b"V_UNCOMPRESSED"),
    ]
    track = _element(0xAE, *described, picture, _element(0x6D80, compression))
    frames = [_element(0xA3, b"\x81" + struct.pack(">hB", at, 0x80) + _deflated_zeros(real)) for at in range(3)]
    cluster = _element(0x1F43B675, _element(0xE7, b"\0"), *frames)
    info = _element(0x1549A966, _element(0x2AD7B1, struct.pack(">I", 1_000_000)))
    return head + _element(0x18538067, info, _element(0x1654AE6B, track), cluster)


def _element(number: int, *parts: bytes) -> bytes:
    """An element of EBML (RFC 8794), its size in eight bytes."""
    content = b"".join(parts)
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + struct.pack(">Q", 1 << 56 | len(content)) + content


@cache
def _deflated_zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    block = bytes(1_000_000)
    return b"".join(packer.compress(block) for _ in range(count // len(block))) + packer.flush()


def _reference_movie(path: bytes) -> bytes:
    """A movie whose samples are said to lie in another file."""
    record = _box(b"url ", struct.pack(">I", 0), b"file://" + path + b"\0")
    return _movie(_png(16, 16), b"png ", 16, 16, reference=record)
