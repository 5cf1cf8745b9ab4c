"""What ffmpeg is told: filters and encoders for a plan. Nothing in here comes from a title or a file's name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mutoscope.engines.sandbox import Places
from mutoscope.engines.sandbox.ffmpeg import trusted_only_with
from mutoscope.platform.videos.domain.ladder import AV1, Plan, Rung
from mutoscope.platform.videos.domain.source import PictureFacts, SourceFacts
from mutoscope.platform.videos.process import ffmpeg

AAC_DELAY_SAMPLES = 1024
SOUND_RATE_HZ = 48_000
SOUND_BITS_PER_S = 128_000
SEGMENT_OF_SOUND_US = 4_000_000
FRAGMENTS = "+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets+skip_trailer"
FRAGMENTS_OF_SOUND = "+empty_moov+default_base_moof+skip_trailer"
SPRITE_WIDTH, SPRITE_COLUMNS, SPRITE_ROWS = 160, 5, 5
TILES = "tiles.yuv"
# When the file's pictures are shown, and when those that could be read of them, in ffmpeg's framecrc.
HELD, SHOWN = "held.txt", "shown.txt"
# Containers without an index: a jump lands somewhere before, so it starts further ahead.
WITHOUT_INDEX = ("mpegts", "mpeg", "flv", "asf", "ogg")
TO_SDR = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
)


# SVT-AV1's presets beside x264's: about as patient. Those above 9 are for tests, says their maker.
AV1_PRESETS = {
    "ultrafast": 12, "superfast": 9, "veryfast": 8, "faster": 8, "fast": 7, "medium": 6, "slow": 5, "slower": 4
}  # fmt: skip
# What lies between the two encoders' scales of quality at the same look, roughly.
AV1_CRF_ABOVE = 12
# Its threads each hold pictures: more of them would be paid for in memory.
AV1_THREADS_MAX = 4


# Frames in work at once, for which it takes a thread each. Source: x264's own choice.
X264_THREADS_A_CORE = 1.5


@dataclass(frozen=True)
class Encoder:
    """How H.264 and AV1 are made. Faster presets cost bits, slower ones time."""

    preset: str = "veryfast"
    crf: int = 23
    # Of one encoder. Where 0, the encoders of a process share the cores.
    threads: int = 0

    def arguments(
        self, rung: Rung, plan: Plan, first_segment: int, segments: int, together: Sequence[Rung]
    ) -> list[str]:
        """For one rung, whose first frame is that of `first_segment`, out of those that one process makes."""
        rate = rung.bits_per_s_max
        pictures = self._av1() if rung.codec == AV1 else self._h264(rung, together)
        return [
            *pictures, "-maxrate", str(rate * 3 // 2), "-bufsize", str(rate * 2),
            "-pix_fmt", "yuv420p", *_keys(plan, first_segment, segments), "-video_track_timescale", str(ticks_per_s(plan)),
            "-map_metadata", "-1", "-map_chapters", "-1", "-flush_packets", "1",
            "-f", "mp4", "-movflags", FRAGMENTS,
        ]  # fmt: skip

    def _h264(self, rung: Rung, together: Sequence[Rung]) -> list[str]:
        return [
            "-c:v", "libx264", "-preset", self.preset, "-crf", str(self.crf), "-profile:v", "high", "-sc_threshold", "0",
            "-threads", str(self.threads or fitting_threads(rung, together)),
        ]  # fmt: skip

    def _av1(self) -> list[str]:
        threads = self.threads or min(os.cpu_count() or 1, AV1_THREADS_MAX)
        # Without the last one a forced key is no key.
        own = f"lp={threads}:scd=0:force-key-frames=1"
        return [
            "-c:v", "libsvtav1", "-preset", str(AV1_PRESETS[self.preset]), "-crf", str(self.crf + AV1_CRF_ABOVE),
            "-svtav1-params", own,
        ]  # fmt: skip


def fitting_threads(rung: Rung, together: Sequence[Rung]) -> int:
    """A rung's part of the threads that x264 would take for itself alone: those of small rungs would only cost."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    part = rung.pixels() / sum(other.pixels() for other in together)
    return max(1, round(allowed * X264_THREADS_A_CORE * part))


def ticks_per_s(plan: Plan) -> int:
    """A timescale in which every frame is a whole number of ticks."""
    return plan.rate_num if plan.rate_num >= 10_000 else plan.rate_num * 1000


def ticks(plan: Plan, frame: int) -> int:
    """When a frame begins, in that timescale."""
    return frame * ticks_per_s(plan) * plan.rate_den // plan.rate_num


def _keys(plan: Plan, first_segment: int, segments: int) -> list[str]:
    starts = plan.starts[first_segment : first_segment + segments]
    lengths = {after - start for start, after in pairwise(starts)}
    last = plan.end_of(first_segment + segments - 1) - starts[-1]
    if len(lengths) <= 1:
        length = lengths.pop() if lengths else last
        if last <= length:
            return ["-g", str(length), "-keyint_min", str(length)]
    moments = (str(float((start - starts[0]) / plan.rate())) for start in starts)
    return ["-g", "100000", "-force_key_frames", ",".join(moments)]


def upright_picture(picture: PictureFacts) -> list[str]:
    """Filters that make any picture an ordinary one: whole frames, eight bits, the colours of a screen."""
    filters = []
    if picture.is_interlaced:
        filters.append("bwdif=mode=send_frame")
    if picture.is_hdr():
        filters.append(f"setparams=color_primaries=bt2020:color_trc={picture.transfer}:colorspace=bt2020nc,{TO_SDR}")
    return filters


def on_the_grid(facts: SourceFacts, plan: Plan, first: int, end: int, *, holds_last: bool = False) -> str:
    """Filters that make the frames from `first` up to `end` of the plan's steady rate out of whatever comes.

    `holds_last` makes up for an end that cannot be read by the last picture that can.
    """
    rate = f"{plan.rate_num}/{plan.rate_den}"
    start_s = float(first / plan.rate())
    deinterlaced, rest = upright_picture(facts.picture), []
    if deinterlaced and facts.picture.is_interlaced:
        rest, deinterlaced = deinterlaced[1:], deinterlaced[:1]
    else:
        rest, deinterlaced = deinterlaced, []
    held = ["tpad=stop=-1:stop_mode=clone"] if holds_last else []
    parts = [*deinterlaced, f"fps=fps={rate}:start_time={start_s:.9f}", *held, f"trim=start_pts={first}:end_pts={end}",
             "setpts=PTS-STARTPTS", *rest]  # fmt: skip
    return ",".join(parts)


def scaled(rung: Rung, size: tuple[int, int], *, is_plain: bool) -> str:
    """Filters from frames of this size to a rung's. `is_plain` promises 8-bit 4:2:0 of even sides, in whole frames.

    zimg does that at half of swscale's work, by the same filter (swscale's bicubic is B = 0, C = 0.6); for other pictures
    it would have to be told more, and would refuse odd sides. A picture that keeps its size goes through swscale's, which
    then does nothing.
    """
    by_zimg = is_plain and size != (rung.width, rung.height) and ffmpeg.has_zimg()
    name, kind = ("zscale", "filter=bicubic:param_a=0:param_b=0.6") if by_zimg else ("scale", "flags=bicubic")
    return f"{name}={rung.width}:{rung.height}:{kind},setsar=1,format=yuv420p"


def is_plain(picture: PictureFacts) -> bool:
    """Whether the frames come as encoders want them."""
    has_even_sides = picture.width % 2 == 0 and picture.height % 2 == 0
    return has_even_sides and picture.pixel_format == "yuv420p" and not upright_picture(picture)


def one_from_another(frames: str, picture: PictureFacts, rungs: Sequence[Rung], besides: str = "") -> list[str]:
    """Filters from the source's frames to those of each rung, `[v0]` for the first: every size out of the next larger one.

    Half the work of scaling each from the source, and no worse: these are frames, not yet encoded. `besides` names
    another output with the smallest frames.
    """
    order = sorted(range(len(rungs)), key=lambda number: rungs[number].pixels(), reverse=True)
    graph = []
    plain, size = is_plain(picture), picture.upright()
    for number in order:
        rung, is_last = rungs[number], number == order[-1]
        further = besides if is_last else f"[below{number}]"
        ends = f",split=2[v{number}]{further}" if further else f"[v{number}]"
        graph.append(f"{frames}{scaled(rung, size, is_plain=plain)}{ends}")
        # The first filter made them so, whatever they were.
        frames, plain, size = further, True, (rung.width, rung.height)
    return graph


def opened(places: Places, facts: SourceFacts, from_s: float = 0.0) -> list[str]:
    """The film as an input, its time kept, from a key some way before `from_s`."""
    jump_s = max(0.0, from_s - _ahead_s(facts)) if from_s > 0 else 0.0
    jump = ["-noaccurate_seek", "-ss", f"{jump_s:.6f}"] if jump_s > 0 else []
    # What cannot be decoded is found by what is missing (domain/damage.py): ffmpeg would give up where that is much.
    return ["-max_error_rate", "1", "-copyts", "-start_at_zero", *jump, *ffmpeg.film_input(places)]


def _ahead_s(facts: SourceFacts) -> float:
    """How long before the first frame that is wanted a jump has to aim."""
    if any(name in facts.container for name in WITHOUT_INDEX):
        return 12.0
    time = facts.time
    if "mp4" in facts.container and time.is_steady and time.is_closed and abs(time.first_s) < 0.001:
        # The index is exact, and nothing before a key is needed. A little behind the frame's own beginning, so that
        # rounding does not cost a whole group of pictures that nobody looks at.
        return -0.25 / float(time.rate())
    return 1.0


def fast_lane(places: Places, facts: SourceFacts, plan: Plan, encoder: Encoder) -> list[str]:
    """One decode: the small rungs, the sound, the pictures for the sprites. Files: `{rung}.mp4`, `audio-{n}.mp4`, TILES, HELD, SHOWN."""
    rungs = plan.fast()
    # The corner of each picture is enough to know that it is there.
    begun = f"[0:{facts.picture.index}]split=2[seen][whole];[seen]crop='min(16,iw)':'min(16,ih)':0:0[shown];[whole]"
    frames = f"{begun}{on_the_grid(facts, plan, 0, plan.frames, holds_last=True)},"
    graph = one_from_another(frames, facts.picture, rungs, besides="[s]")
    width, height = tile_size(plan)
    # Each picture as it comes, not yet in sheets: ffmpeg tells of its progress only once every output has its first
    # frame, and a sheet is whole after a quarter of the film.
    graph.append(f"[s]select='gte(t,selected_n*{plan.sprite_interval_s:.6f})',scale={width}:{height}[tiles]")
    graph += [f"[0:{index}]{sound(plan)}[a{number}]" for number, index in enumerate(plan.sound_indices)]
    arguments = ["-nostats", "-progress", "pipe:1", "-stats_period", "0.25", *opened(places, facts)]
    arguments += ["-filter_complex", ";".join(graph)]
    for number, rung in enumerate(rungs):
        arguments += ["-map", f"[v{number}]", *encoder.arguments(rung, plan, 0, len(plan.starts), rungs)]
        arguments.append(places.output(f"{rung.name}.mp4"))
    for number in range(len(plan.sound_indices)):
        arguments += ["-map", f"[a{number}]", *sound_encoder(), places.output(f"audio-{number}.mp4")]
    return [
        *arguments, "-map", "[tiles]", "-fps_mode", "passthrough", "-c:v", "rawvideo", "-pix_fmt", "yuv420p",
        "-f", "rawvideo", places.output(TILES),
        "-map", "[shown]", "-fps_mode", "passthrough", "-enc_time_base", "1/1000", "-c:v", "rawvideo", "-f", "framecrc",
        places.output(SHOWN), "-map", f"0:{facts.picture.index}", "-c:v", "copy", "-f", "framecrc", places.output(HELD),
    ]  # fmt: skip


def tile_size(plan: Plan) -> tuple[int, int]:
    """Pixels of one picture on a sheet of sprites, of the film's shape."""
    smallest = plan.fast()[0]
    return SPRITE_WIDTH, max(2, round(SPRITE_WIDTH * smallest.height / smallest.width / 2) * 2)


def sheets(places: Places, plan: Plan) -> list[str]:
    """The fast lane's pictures, side by side. Files: `sprite-001.jpg`..."""
    width, height = tile_size(plan)
    read = ["-f", "rawvideo", "-video_size", f"{width}x{height}", "-pixel_format", "yuv420p", "-framerate", "1"]
    return [
        *read, *trusted_only_with(places, "tiles", ("rawvideo",)), "-vf", f"tile={SPRITE_COLUMNS}x{SPRITE_ROWS}",
        "-c:v", "mjpeg", "-q:v", "5", "-pix_fmt", "yuvj420p", "-fps_mode", "passthrough", "-f", "image2",
        places.output("sprite-%03d.jpg"),
    ]  # fmt: skip


def sound(plan: Plan) -> str:
    """Filters for sound: stereo, from the film's beginning to its end, its loudness measured on the way.

    The first samples are left out for the encoder's own delay, which takes their place: so it stays in time without an
    edit list, which browsers leave unread.
    """
    return (
        f"aresample={SOUND_RATE_HZ}:async=1:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo,"
        f"ebur128=framelog=quiet,aformat=sample_fmts=fltp,apad=whole_dur={plan.duration_s:.6f},"
        f"atrim=start_sample={AAC_DELAY_SAMPLES}:end={plan.duration_s:.6f},asetpts=PTS-STARTPTS"
    )


def sound_encoder() -> list[str]:
    return [
        "-c:a", "aac", "-b:a", str(SOUND_BITS_PER_S), "-map_metadata", "-1", "-map_chapters", "-1",
        "-avoid_negative_ts", "make_zero", "-frag_duration", str(SEGMENT_OF_SOUND_US), "-flush_packets", "1",
        "-f", "mp4", "-movflags", FRAGMENTS_OF_SOUND,
    ]  # fmt: skip


def chunk(
    places: Places, facts: SourceFacts, plan: Plan, encoder: Encoder, rungs: Iterable[Rung], first: int, segments: int,
    *, jumps: bool = True, is_damaged: bool = False,
) -> list[str]:  # fmt: skip
    """Some rungs of some segments. Files: `{rung}.mp4`."""
    made = list(rungs)
    begin, end = plan.starts[first], plan.end_of(first + segments - 1)
    from_s = float(begin / plan.rate()) if jumps else 0.0
    on_grid = on_the_grid(facts, plan, begin, end, holds_last=is_damaged)
    graph = one_from_another(f"[0:{facts.picture.index}]{on_grid},", facts.picture, made)
    arguments = ["-nostats", "-progress", "pipe:1", "-stats_period", "0.5", *opened(places, facts, from_s)]
    arguments += ["-an", "-sn", "-dn", "-filter_complex", ";".join(graph)]
    for number, rung in enumerate(made):
        arguments += ["-map", f"[v{number}]", *encoder.arguments(rung, plan, first, segments, made)]
        arguments.append(places.output(f"{rung.name}.mp4"))
    return arguments


def copied(places: Places, facts: SourceFacts, plan: Plan, rung: Rung) -> list[str]:
    """The source's own pictures, cut at its own keys. File: `{rung}.mp4`."""
    return [
        "-nostats", "-progress", "pipe:1", "-stats_period", "0.5", *opened(places, facts),
        "-map", f"0:{facts.picture.index}", "-c:v", "copy", "-map_metadata", "-1", "-map_chapters", "-1",
        "-video_track_timescale", str(ticks_per_s(plan)), "-f", "mp4", "-movflags", FRAGMENTS,
        places.output(f"{rung.name}.mp4"),
    ]  # fmt: skip
