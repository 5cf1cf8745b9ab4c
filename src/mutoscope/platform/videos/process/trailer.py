"""A few seconds of a film for those who have not paid: small, silent, in the clear."""

from __future__ import annotations

from collections.abc import Sequence

from mutoscope.engines.sandbox import Places
from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.units import Unit
from mutoscope.platform.videos.domain.ladder import Plan
from mutoscope.platform.videos.domain.source import SourceFacts
from mutoscope.platform.videos.models import Edition
from mutoscope.platform.videos.process import arguments, ffmpeg, originals
from mutoscope.platform.videos.process.orders import Begun, FastDone
from mutoscope.platform.videos.process.segments import Shelf
from mutoscope.platform.videos.process.units import OpenEdition, encoder
from mutoscope.platform.videos.process.waiting import LIGHT, QUEUE, guarded
from mutoscope.platform.videos.tokens import letters

CUT_S = 3.0
# Where the cuts begin, as parts of the film. The end is not given away.
CUT_MOMENTS = (0.15, 0.4, 0.65)
# A film shorter than this is shown by its beginning alone: cuts would lie side by side.
CUTS_FROM_S = 30.0
BEGINNING_S_MAX = 10.0
# Of a film of twelve seconds, ten would be nearly all there is to sell.
PART_MAX = 1 / 3
FRAMES_PER_S_MAX = 30


class Trailer(Unit[FastDone, str]):
    """A trailer, made beside the renditions."""

    queue_name = QUEUE
    policy = LIGHT

    def run(self, context: UnitContext, value: FastDone) -> str:
        begun = context.output_of(OpenEdition)
        return guarded(begun.video_id, context, lambda: make_trailer(begun))


def cuts(duration_s: float) -> list[tuple[float, float]]:
    """Where the trailer of a film of that length is taken: beginnings and lengths in seconds."""
    if duration_s < CUTS_FROM_S:
        return [(0.0, min(BEGINNING_S_MAX, duration_s * PART_MAX))]
    return [(duration_s * part, CUT_S) for part in CUT_MOMENTS]


def make_trailer(begun: Begun) -> str:
    """Its name below the edition's folder; empty where none can be made, which is no reason not to show the film."""
    edition = Edition.objects.select_related("video").get(pk=begun.edition_id)
    taken = cuts(begun.plan.duration_s)
    film = originals.at_hand(begun.original)
    with ffmpeg.work_folder("trailer") as folder:
        try:
            ffmpeg.run(
                {"film": film}, lambda places: told(places, begun.facts, begun.plan, taken), folder,
                film_s=sum(length_s for _, length_s in taken),
            )  # fmt: skip
        except ffmpeg.Broke:
            return ""
        data = (folder / "trailer.mp4").read_bytes()
    name = f"trailer-{letters(16)}.mp4"
    Shelf(edition.folder(), {0: b""}, 1).store(name, data)
    return name


def told(places: Places, facts: SourceFacts, plan: Plan, taken: Sequence[tuple[float, float]]) -> list[str]:
    """What ffmpeg is told. File: `trailer.mp4`, its index first, so that it plays while it comes."""
    rung, made_by = plan.fast()[-1], encoder()
    rate = f"{plan.rate_num}/{plan.rate_den}" if plan.rate() <= FRAMES_PER_S_MAX else str(FRAMES_PER_S_MAX)
    picture = ",".join([*arguments.upright_picture(facts.picture), f"fps={rate}", arguments.scaled(rung)])
    inputs, graph, taps = [], [], ""
    for number, (begin_s, length_s) in enumerate(taken):
        inputs += ["-ss", f"{begin_s:.3f}", "-t", f"{length_s:.3f}", *ffmpeg.film_input(places)]
        graph.append(f"[{number}:{facts.picture.index}]{picture},setpts=PTS-STARTPTS[c{number}]")
        taps += f"[c{number}]"
    graph.append(f"{taps}concat=n={len(taken)}:v=1:a=0[v]")
    total_s = sum(length_s for _, length_s in taken)
    return [
        *inputs, "-filter_complex", ";".join(graph), "-map", "[v]", "-an", "-sn", "-dn", "-t", f"{total_s:.3f}",
        "-c:v", "libx264", "-preset", made_by.preset, "-crf", str(made_by.crf), "-maxrate", str(rung.bits_per_s_max * 3 // 2),
        "-bufsize", str(rung.bits_per_s_max * 2), "-profile:v", "high", "-pix_fmt", "yuv420p",
        "-threads", str(made_by.threads), "-map_metadata", "-1", "-map_chapters", "-1",
        "-f", "mp4", "-movflags", "+faststart", places.output("trailer.mp4"),
    ]  # fmt: skip
