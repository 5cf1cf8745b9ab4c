"""Hostile media through the real ffmpeg, at every level: no file opened, no connection made, no limit passed."""

from __future__ import annotations

import ctypes
import os
import select
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import ImageFont

from mutoscope.engines.sandbox import Job, Limits, Outcome, Places, Sandbox
from mutoscope.engines.sandbox.ffmpeg import FORMATS, GLOBAL, IMAGE_FORMATS, drawn_text, trusted_only_with
from mutoscope.engines.sandbox.job import Limit
from tests.engines.sandbox import corpus
from tests.engines.sandbox.conftest import LEVELS_WITH_WALLS_AROUND_FILES

CANARY = "canary-91be07 " * 40
LIMITS = Limits(cpu_s=20, wall_s=40, memory_bytes=3 * 1024**3, file_bytes=200 * 1024**2)
IN_OPEN = 0x20


class Trap:
    """A file and a port that nobody may touch, and whether somebody did."""

    def __init__(self, folder: Path) -> None:
        self.secret = folder / "secret.txt"
        self.secret.write_text(CANARY)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.port: int = self.server.getsockname()[1]
        libc = ctypes.CDLL(None, use_errno=True)
        self.watch = libc.inotify_init1(os.O_NONBLOCK)
        libc.inotify_add_watch(self.watch, os.fsencode(self.secret), IN_OPEN)

    def sprung(self) -> list[str]:
        """What was touched since the last call."""
        touched = []
        if select.select([self.watch], [], [], 0)[0]:
            os.read(self.watch, 65536)
            touched.append("the secret file was opened")
        try:
            self.server.accept()[0].close()
            touched.append("a connection was made")
        except BlockingIOError:
            pass
        return touched

    def close(self) -> None:
        os.close(self.watch)
        self.server.close()


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    made = Trap(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpus.good_film(tmp_path_factory.mktemp("film"))


def convert(
    sandbox: Sandbox, source: Path, work: Path, *, filters: str = "", formats: tuple[str, ...] = FORMATS
) -> Outcome:
    """What a pipeline does with an upload: decode all of it into something to look at."""

    def arguments(places: Places) -> list[str]:
        asked = [*GLOBAL, "-v", "info", "-y", *trusted_only_with(places, "upload", formats), "-t", "5"]
        if filters:
            asked += ["-vf", filters]
        return [*asked, "-f", "framecrc", places.output("decoded.crc")]

    work.mkdir(exist_ok=True)
    return sandbox.run(Job(corpus.FFMPEG, arguments, inputs={"upload": source}, work=work, limits=LIMITS))


def leaked(work: Path, outcome: Outcome) -> bool:
    """Whether a byte of the secret came out by any way."""
    written = b"".join(path.read_bytes() for path in work.rglob("*") if path.is_file())
    return b"canary" in written + outcome.stdout + outcome.stderr_tail.encode()


def test_the_trap_itself_springs_without_a_sandbox(trap: Trap, tmp_path: Path) -> None:
    """Else every test below would pass for nothing."""
    hostile = corpus.reaching(trap.secret, trap.port)
    for name in ("hls-path", "hls-url"):
        upload = tmp_path / "upload.m3u8"
        upload.write_bytes(hostile[name])
        command = [corpus.FFMPEG, "-v", "quiet", "-allowed_extensions", "ALL", "-extension_picky", "0", "-rw_timeout", "300000",
                   "-protocol_whitelist", "file,http,tcp", "-i", upload, "-t", "1", "-f", "null", "-"]  # fmt: skip
        subprocess.run(command, check=False, timeout=30)
    assert trap.sprung() == ["the secret file was opened", "a connection was made"]


def test_a_good_film_passes(sandbox: Sandbox, film: Path, tmp_path: Path) -> None:
    outcome = convert(sandbox, film, tmp_path / "work")
    assert outcome.succeeded(), outcome.stderr_tail
    assert (tmp_path / "work" / "decoded.crc").read_text().count("\n0,") == 50


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "webm", "ts", "avi", "flv", "mpg", "ogv", "wmv", "mxf"])
def test_each_honest_container_passes_the_list_of_formats(film: Path, extension: str, tmp_path: Path) -> None:
    codecs = {
        "webm": ["-c:v", "libvpx", "-c:a", "libopus"],
        "ogv": ["-c:v", "libtheora", "-c:a", "libvorbis"],
        "mpg": ["-c:v", "mpeg2video", "-c:a", "mp2"],
        "mxf": ["-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000"],
        "wmv": ["-c:v", "wmv2", "-c:a", "wmav2"],
        "flv": ["-c:v", "flv", "-c:a", "aac"],
    }
    source = tmp_path / f"film.{extension}"
    command = [corpus.FFMPEG, "-v", "error", "-i", film, "-r", "25", *codecs.get(extension, ["-c", "copy"]), source]
    subprocess.run(command, check=True)
    outcome = convert(Sandbox.of_this_machine(), source, tmp_path / "work")
    assert outcome.succeeded(), outcome.stderr_tail


@pytest.mark.parametrize("name", sorted(corpus.reaching(Path("/x"), 1)))
def test_a_file_that_names_another_reaches_nothing(sandbox: Sandbox, trap: Trap, name: str, tmp_path: Path) -> None:
    hostile = corpus.reaching(trap.secret, trap.port)[name]
    for extension in ("mp4", "m3u8", "mpd"):
        upload = tmp_path / f"upload.{extension}"
        upload.write_bytes(hostile)
        outcome = convert(sandbox, upload, tmp_path / "work")
        assert trap.sprung() == []
        assert not leaked(tmp_path / "work", outcome)


@pytest.mark.parametrize("sandbox", LEVELS_WITH_WALLS_AROUND_FILES, indirect=True)
@pytest.mark.parametrize("name", sorted(corpus.reaching(Path("/x"), 1)))
def test_the_walls_hold_without_ffmpegs_own_promises(sandbox: Sandbox, trap: Trap, name: str, tmp_path: Path) -> None:
    """As if a new reader of ffmpeg opened files and was on the list: every format and protocol is allowed here."""
    upload = tmp_path / "upload.m3u8"
    upload.write_bytes(corpus.reaching(trap.secret, trap.port)[name])
    (tmp_path / "work").mkdir()
    outcome = sandbox.run(
        Job(
            corpus.FFMPEG,
            lambda p: [*GLOBAL, "-y", "-protocol_whitelist", "file,http,tcp,concat,subfile,crypto,data,rtp,udp", "-safe", "0",
                       "-i", p.input("upload"), "-t", "2", "-f", "framecrc", p.output("x.crc")],
            inputs={"upload": upload}, work=tmp_path / "work", limits=LIMITS,
        )
    )  # fmt: skip
    assert trap.sprung() == []
    assert not leaked(tmp_path / "work", outcome)


def test_a_file_name_is_never_a_path_or_an_address(sandbox: Sandbox, trap: Trap, film: Path, tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    for name in corpus.names(trap.secret, trap.port):
        source = folder / name.replace("/", "_")
        source.write_bytes(film.read_bytes())
        outcome = convert(sandbox, source, tmp_path / "work")
        assert outcome.succeeded(), (name, outcome.stderr_tail)
        assert trap.sprung() == [], name


@pytest.mark.parametrize("name", sorted(corpus.exhausting()))
def test_a_small_file_that_asks_for_much_gets_its_limits(sandbox: Sandbox, name: str, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(corpus.exhausting()[name])
    outcome = convert(sandbox, upload, tmp_path / "work", formats=(*FORMATS, *IMAGE_FORMATS))
    assert outcome.wall_s <= LIMITS.wall_s + 5
    written = sum(path.stat().st_size for path in (tmp_path / "work").rglob("*") if path.is_file())
    assert written <= LIMITS.file_bytes
    if name.startswith(("png-20000", "png-12000")):
        assert not outcome.succeeded() or not (tmp_path / "work" / "decoded.crc").read_text().count("\n0,")


def test_an_endless_stream_ends(sandbox: Sandbox, film: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    endless = Job(
        corpus.FFMPEG,
        lambda p: [*GLOBAL, "-v", "error", "-stream_loop", "-1", *trusted_only_with(p, "upload"), "-f", "null", "-"],
        inputs={"upload": film},
        work=tmp_path / "work",
        limits=Limits(cpu_s=2, wall_s=30),
    )
    assert sandbox.run(endless).limits == {Limit.CPU}


def test_damaged_films_end_by_themselves(sandbox: Sandbox, film: Path, tmp_path: Path) -> None:
    upload = tmp_path / "upload.mp4"
    for name, content in corpus.damaged(film).items():
        upload.write_bytes(content)
        outcome = convert(sandbox, upload, tmp_path / "work")
        assert not outcome.limits, (name, outcome)


# What a title would have to hold to become more than a text, if it stood in the filter itself.
TITLES = {
    "second filter": "x',drawtext=fontfile={font}:textfile={secret}:fontsize='9",
    "option": "':textfile={secret}:text='",
    "expansion": "%{{metadata:comment}} %{{eif\\:1\\:d}} %{{e\\:100}}",
    "movie": "x',movie={secret}[out];[in]null'",
    "separators": "a\\:b'c,d;e[out]",
    "nothing": "\0",
    "long": "…" * 500,
}


@pytest.fixture(scope="session")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The font that Pillow brings: no machine has to have one."""
    loaded = ImageFont.load_default(20)
    assert isinstance(loaded, ImageFont.FreeTypeFont)
    path = tmp_path_factory.mktemp("font") / "font.ttf"
    path.write_bytes(loaded.font_bytes)
    return path


@pytest.mark.parametrize("name", sorted(TITLES))
def test_a_title_drawn_into_the_picture_is_text_and_nothing_else(
    sandbox: Sandbox, trap: Trap, film: Path, font: Path, name: str, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    title = tmp_path / "title"
    title.write_text(TITLES[name].format(secret=trap.secret, font=font))

    def arguments(places: Places) -> list[str]:
        drawn = f"drawtext={drawn_text(places.input('title'))}:fontfile='{places.input('font')}'"
        opened = trusted_only_with(places, "upload")
        end = ["-frames:v", "1", "-f", "framecrc", places.output("x.crc")]
        return [*GLOBAL, "-v", "error", "-y", *opened, "-vf", drawn, *end]

    inputs = {"upload": film, "title": title, "font": font}
    outcome = sandbox.run(Job(corpus.FFMPEG, arguments, inputs=inputs, work=tmp_path / "work", limits=LIMITS))
    assert outcome.succeeded(), outcome.stderr_tail
    assert trap.sprung() == []
    assert not leaked(tmp_path / "work", outcome)


def test_the_same_title_reads_a_file_where_it_stands_in_the_filter(trap: Trap, film: Path, font: Path) -> None:
    """Else the test above would pass for nothing."""
    title = TITLES["second filter"].format(secret=trap.secret, font=font)
    drawn = f"drawtext=fontfile='{font}':text='{title}'"
    command = [corpus.FFMPEG, "-v", "error", "-i", film, "-vf", drawn, "-frames:v", "1", "-f", "null", "-"]
    subprocess.run(command, check=False, timeout=30)
    assert trap.sprung() == ["the secret file was opened"]


@pytest.mark.parametrize("path", ["/in/it's", "/in/a:b", "/in/a,b", "/in/[x]"])
def test_a_path_that_would_break_out_of_a_filter_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="cannot be written into a filter"):
        drawn_text(path)
