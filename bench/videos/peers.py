"""The sequences of two peers and of a hand-tuned run, re-created at our own x264 settings, so that only the order differs.

PeerTube's can be had at its own settings besides, which are about as fast and make more of B-frames.

PeerTube, as it comes (HLS alone, sound not split off, one thread for each encoder, storyboards): a thumbnail out of the
fifty pictures after the middle; the source encoded to its own size, which is copied into HLS; every smaller size from that
result straight into HLS; a storyboard from that result, too. Sound is copied where it is AAC in stereo already, as it is
here. MediaCMS: every size from the source, each with its sound, a repackaging of all that is there after each, then
previews. Source: their public code; docs/performance.md says more.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mutoscope.platform.videos.domain.ladder import Plan, Rung
from mutoscope.platform.videos.domain.source import SourceFacts
from mutoscope.platform.videos.process import arguments, ffmpeg

# As many pictures as ours takes of a film for its covers, and as wide.
COVER_MOMENTS, COVER_WIDTH = (0.1, 0.3, 0.5, 0.7, 0.9), 1280

SEGMENT_S = 4
# What a picture in a JPEG file has to be like.
JPEG = ["-pix_fmt", "yuvj420p"]
Mark = Callable[[], None]


def run(*given: str) -> None:
    subprocess.run([str(ffmpeg.program()), "-v", "error", "-nostdin", "-y", *given], check=True)


def x264(rung: Rung, plan: Plan, encoder: arguments.Encoder) -> list[str]:
    """Ours, but for a file of its own."""
    gop = str(round(SEGMENT_S * plan.rate()))
    rate = rung.bits_per_s_max
    return [
        "-c:v", "libx264", "-preset", encoder.preset, "-crf", str(encoder.crf), "-maxrate", str(rate * 3 // 2),
        "-bufsize", str(rate * 2), "-pix_fmt", "yuv420p", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0",
    ]  # fmt: skip


def x264_of_peertube(rung: Rung, plan: Plan, encoder: arguments.Encoder) -> list[str]:
    """PeerTube's own: its default profile for H.264, for our rates."""
    gop, rate = str(round(2 * plan.rate())), rung.bits_per_s_max
    return [
        "-c:v", "libx264", "-preset", "veryfast", "-maxrate", str(rate), "-bufsize", str(rate * 2), "-b_strategy", "1", "-bf", "16",
        "-pix_fmt", "yuv420p", "-g", gop,
    ]  # fmt: skip


Settings = Callable[[Rung, Plan, arguments.Encoder], list[str]]


def sound() -> list[str]:
    return ["-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000"]


def scale(rung: Rung) -> list[str]:
    return ["-vf", f"scale={rung.width}:{rung.height}:flags=bicubic"]


HLS = ["-f", "hls", "-hls_time", str(SEGMENT_S), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"]


def packaged(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    run("-i", str(source), "-c", "copy", *HLS, str(folder / "playlist.m3u8"))


def peertube(
    film: Path, facts: SourceFacts, plan: Plan, encoder: arguments.Encoder, work: Path, playable: Mark,
    settings: Settings = x264,
) -> None:  # fmt: skip
    """The largest first, the others from it, each by a process of its own."""
    *smaller, top = plan.rungs
    whole = work / f"{top.name}.mp4"
    one_thread = ["-threads", "1"]
    has_compliant_sound = all(sound.codec == "aac" and sound.channels <= 2 for sound in facts.sounds)
    audio = ["-c:a", "copy"] if has_compliant_sound else sound()
    middle_s = str(facts.duration_s / 2)
    run("-ss", middle_s, "-i", str(film), "-vf", "thumbnail=50", "-frames:v", "1", "-q:v", "5", *one_thread, *JPEG,
        str(work / "thumbnail.jpg"))  # fmt: skip
    run(
        "-i",
        str(film),
        *scale(top),
        *settings(top, plan, encoder),
        *one_thread,
        *audio,
        "-movflags",
        "+faststart",
        str(whole),
    )
    packaged(whole, work / top.name)
    playable()
    for rung in reversed(smaller):
        folder = work / rung.name
        folder.mkdir()
        run("-i", str(whole), *scale(rung), *settings(rung, plan, encoder), *one_thread, *audio, *HLS, "-hls_flags", "single_file",
            str(folder / "playlist.m3u8"))  # fmt: skip
    apart_s = max(1.0, facts.duration_s / 110)
    chosen = f"select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,{apart_s})"
    board = f"setpts=N/FRAME_RATE/TB,{chosen},scale=192:108,tile=11x10"
    run("-i", str(whole), "-vf", board, "-frames:v", "1", "-q:v", "2", *one_thread, *JPEG, str(work / "storyboard.jpg"))


def mediacms(film: Path, plan: Plan, encoder: arguments.Encoder, work: Path, playable: Mark) -> None:
    """Every size from the source, smallest last in the queue; what is there is packaged anew after each; then previews."""
    made: list[Path] = []
    for number, rung in enumerate(plan.rungs):
        file = work / f"{rung.name}.mp4"
        run("-i", str(film), *scale(rung), *x264(rung, plan, encoder), *sound(), "-movflags", "+faststart", str(file))
        made.append(file)
        for done in made:
            packaged(done, work / done.stem)
        if number == 0:
            playable()
    run("-ss", "1", "-i", str(film), "-frames:v", "1", *JPEG, str(work / "thumbnail.jpg"))
    run("-i", str(film), "-vf", "fps=1/10,scale=160:-2,tile=5x5", "-frames:v", "1", *JPEG, str(work / "sprites.jpg"))
    run("-ss", "1", "-t", "3", "-i", str(film), "-vf", "fps=5,scale=320:-2", str(work / "preview.gif"))


def hand_tuned(
    film: Path, facts: SourceFacts, plan: Plan, encoder: arguments.Encoder, work: Path, playable: Mark
) -> None:
    """Our own plan as two commands that somebody typed: no sandbox, no chunks, nothing encrypted, nothing recorded."""
    fast, rest = plan.fast(), [rung for rung in plan.rungs if not rung.is_fast and not rung.is_copy]
    first = _several(film, facts, fast, plan, encoder, work)
    first += ["-map", "0:a:0?", *sound(), str(work / "sound.mp4")]
    first += [
        "-map",
        "0:v:0",
        "-vf",
        "fps=1/2,scale=160:-2,tile=5x5",
        "-q:v",
        "5",
        *JPEG,
        str(work / "sprite-%03d.jpg"),
    ]
    process = subprocess.Popen([str(ffmpeg.program()), "-v", "error", "-nostdin", "-y", *first])
    while process.poll() is None:
        if any(work.glob(f"{fast[0].name}-*1.m4s")):
            playable()
        time.sleep(0.05)
    if process.returncode != 0:
        raise SystemExit("the hand-tuned run failed")
    if rest:
        run(*_several(film, facts, rest, plan, encoder, work))
    copied = plan.copied()
    if copied is not None:
        packaged(film, work / copied.name)
    for part in COVER_MOMENTS:
        cover = ["-frames:v", "1", "-vf", f"scale={COVER_WIDTH}:-2", *JPEG, str(work / f"cover-{part}.jpg")]
        run("-ss", str(plan.duration_s * part), "-i", str(film), *cover)


def _several(
    film: Path, facts: SourceFacts, rungs: Sequence[Rung], plan: Plan, encoder: arguments.Encoder, work: Path
) -> list[str]:
    graph = arguments.one_from_another("[0:v]", facts.picture, rungs)
    given = ["-i", str(film), "-filter_complex", ";".join(graph)]
    for n, rung in enumerate(rungs):
        given += ["-map", f"[v{n}]", *x264(rung, plan, encoder), "-f", "hls", "-hls_time", str(SEGMENT_S),
                  "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", f"{rung.name}-init.mp4",
                  "-hls_segment_filename", str(work / f"{rung.name}-%d.m4s"), str(work / f"{rung.name}.m3u8")]  # fmt: skip
    return given
