"""A few seconds of a film for those who have not paid: small, silent, in the clear."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from django.core.files.storage import storages
from django_tasks import task

from mutoscope.engines.sandbox import Places
from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.units import Unit
from mutoscope.engines.tasks.queue.policy import RetryLater, policy
from mutoscope.platform.videos.domain.ladder import Plan, plan_ladder
from mutoscope.platform.videos.domain.places import MANIFEST
from mutoscope.platform.videos.domain.source import SourceFacts
from mutoscope.platform.videos.domain.trailers import TrailerChoice, cuts
from mutoscope.platform.videos.models import Edition, Video
from mutoscope.platform.videos.process import arguments, ffmpeg, originals
from mutoscope.platform.videos.process.orders import Begun, FastDone
from mutoscope.platform.videos.process.probe import look_into
from mutoscope.platform.videos.process.segments import FILMS, Shelf
from mutoscope.platform.videos.process.units import OpenEdition, encoder
from mutoscope.platform.videos.process.waiting import ATTEMPTS_MAX, LIGHT, QUEUE, WAIT_S, guarded, is_passing
from mutoscope.platform.videos.tokens import letters

FRAMES_PER_S_MAX = 30


class Trailer(Unit[FastDone, str]):
    """A trailer, made beside the renditions."""

    queue_name = QUEUE
    policy = LIGHT

    def run(self, context: UnitContext, value: FastDone) -> str:
        begun = context.output_of(OpenEdition)
        return guarded(begun.video_id, context, lambda: make_trailer(begun))


def make_trailer(begun: Begun) -> str:
    """Its name below the edition's folder; empty where none is wanted."""
    edition = Edition.objects.select_related("video").get(pk=begun.edition_id)
    return keep_trailer(edition, originals.at_hand(begun.original), begun.facts, begun.plan)


def keep_trailer(edition: Edition, film: Path, facts: SourceFacts, plan: Plan) -> str:
    """The same; empty also where none can be made, which is no reason not to show the film."""
    taken = stretches(edition.video, plan.duration_s)
    if not taken:
        return ""
    with ffmpeg.work_folder("trailer") as folder:
        try:
            ffmpeg.run(
                {"film": film}, lambda places: told(places, facts, plan, taken), folder,
                film_s=sum(length_s for _, length_s in taken),
            )  # fmt: skip
        except ffmpeg.Broke:
            return ""
        data = (folder / "trailer.mp4").read_bytes()
    name = f"trailer-{letters(16)}.mp4"
    Shelf(edition.folder(), {0: b""}, 1).store(name, data)
    return name


def stretches(video: Video, duration_s: float) -> list[tuple[float, float]]:
    """What a video's trailer shows: beginnings and lengths in seconds."""
    if video.trailer_choice == TrailerChoice.NONE:
        return []
    begin_ms, end_ms = video.trailer_from_ms, video.trailer_to_ms
    # Another film may have been sent since, and be shorter.
    if video.trailer_choice == TrailerChoice.OWN and begin_ms is not None and end_ms is not None:
        begin_s, end_s = begin_ms / 1000, min(end_ms / 1000, duration_s)
        if begin_s < end_s:
            return [(begin_s, end_s - begin_s)]
    return cuts(duration_s)


# One at a time for a video: the last one asked for sees the last choice, and is the one that stays.
@task(queue_name=QUEUE)
@policy(attempts_max=ATTEMPTS_MAX, limit_key=lambda video_id: f"videos.trailer:{video_id}")
def remake_trailer(video_id: int) -> str:
    """Give the edition that viewers have the trailer that its creator has chosen; the name of its file."""
    video = Video.objects.select_related("edition").filter(pk=video_id).first()
    # It may have been deleted meanwhile.
    if video is None or video.edition is None:
        return ""
    edition = Edition.objects.select_related("video").get(pk=video.edition.pk)
    try:
        name = ""
        if video.trailer_choice != TrailerChoice.NONE:
            film = originals.at_hand(video.original)
            with ffmpeg.work_folder("probe") as folder:
                facts = look_into(film, folder)
            name = keep_trailer(edition, film, facts, plan_ladder(facts))
        _take_place(edition, name)
    except Exception as error:
        if is_passing(error):
            raise RetryLater(WAIT_S, f"waiting: {error}", past_attempts_max=True) from error
        raise
    return name


def _take_place(edition: Edition, name: str) -> None:
    """The manifest first: a file that a row names and no manifest would be swept."""
    storage, folder, earlier = storages[FILMS], edition.folder(), edition.trailer_file
    with storage.open(f"{folder}/{MANIFEST}", "rb") as file:
        manifest = json.loads(file.read())
    entries = [entry for entry in manifest["files"] if not str(entry["path"]).startswith("trailer-")]
    if name:
        with storage.open(f"{folder}/{name}", "rb") as file:
            data = file.read()
        entries.append({"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    manifest["files"] = sorted(entries, key=lambda entry: str(entry["path"]))
    written = json.dumps(manifest, separators=(",", ":")).encode()
    Shelf(folder, {0: b""}, 1).store(MANIFEST, written)
    Edition.objects.filter(pk=edition.pk).update(
        trailer_file=name,
        manifest_sha256=hashlib.sha256(written).hexdigest(),
        bytes=sum(int(entry["bytes"]) for entry in entries),
    )
    if earlier:
        storage.delete(f"{folder}/{earlier}")


def told(places: Places, facts: SourceFacts, plan: Plan, taken: Sequence[tuple[float, float]]) -> list[str]:
    """What ffmpeg is told. File: `trailer.mp4`, its index first, so that it plays while it comes."""
    rung, made_by = plan.fast()[-1], encoder()
    rate = f"{plan.rate_num}/{plan.rate_den}" if plan.rate() <= FRAMES_PER_S_MAX else str(FRAMES_PER_S_MAX)
    small = arguments.scaled(rung, facts.picture.upright(), is_plain=arguments.is_plain(facts.picture))
    picture = ",".join([*arguments.upright_picture(facts.picture), f"fps={rate}", small])
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
