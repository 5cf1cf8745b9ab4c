"""The first units of the pipeline: receive, probe, plan, fast lane, encode. What follows is in finishing.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import transaction

from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.units import Unit
from mutoscope.engines.tasks.queue.policy import Policy
from mutoscope.platform.videos import keys
from mutoscope.platform.videos.domain.damage import PLACES_NAMED_MAX, refuse_too_much
from mutoscope.platform.videos.domain.ladder import plan_ladder
from mutoscope.platform.videos.domain.source import SourceFacts, Unusable
from mutoscope.platform.videos.models import Edition, KeyPeriod, Piece, Video
from mutoscope.platform.videos.process import arguments, encode, ffmpeg, originals
from mutoscope.platform.videos.process.orders import (
    Begun,
    Done,
    FastDone,
    Looked,
    Order,
    Original,
    Stream,
    Work,
    work_of,
)
from mutoscope.platform.videos.process.probe import look_into
from mutoscope.platform.videos.process.rows import write_stream_row
from mutoscope.platform.videos.process.segments import Segment, Shelf
from mutoscope.platform.videos.process.waiting import ATTEMPTS_MAX, LIGHT, QUEUE, Stumbled, guarded
from mutoscope.platform.videos.tokens import letters, new_token

HEAVY = Policy(
    attempts_max=ATTEMPTS_MAX,
    backoff_s=1.0,
    retry_on=(Stumbled,),
    limit_key="videos.encode",
    limit_max=settings.VIDEO_ENCODERS,
)


# About ten minutes of waiting.
PROBES_WITHOUT_ROOM_MAX = 12
NO_ROOM_TO_LOOK = (
    "This server had no room left to look into this file, several times in a row. Tell its operator, and try again once "
    "there is room; if only this file fails, export the film again and upload that."
)


def encoder() -> arguments.Encoder:
    """Pictures as the operator wants them."""
    return arguments.Encoder(preset=settings.VIDEO_PRESET, crf=settings.VIDEO_CRF)


class Receive(Unit[Order, Original]):
    """Move what was uploaded to where originals are kept."""

    queue_name = QUEUE
    policy = LIGHT
    # Where an original lies is nobody's to read on a page.
    hides = ("name",)

    def run(self, context: UnitContext, value: Order) -> Original:
        def work() -> Original:
            video = Video.objects.get(pk=value.video_id)
            name = originals.fetch_upload(video, value.upload_token) if value.upload_token else video.original
            return Original(video.pk, name)

        return guarded(value.video_id, context, work)


class Probe(Unit[Original, Looked]):
    """Look into the film, and plan what is made of it."""

    queue_name = QUEUE
    policy = LIGHT
    hides = ("original",)

    def run(self, context: UnitContext, value: Original) -> Looked:
        def work() -> Looked:
            ffmpeg.sweep_work_folders()
            with ffmpeg.work_folder("probe") as folder:
                facts = looked_into(originals.at_hand(value.name), folder, context.attempt)
            refuse_too_much(facts.duration_s, facts.missing_s)
            plan = plan_ladder(facts, with_av1=settings.VIDEO_AV1 and ffmpeg.makes_av1())
            # Thousands of keys were for the planner alone.
            slim = dataclasses.replace(facts, time=dataclasses.replace(facts.time, keys=()))
            return Looked(value.video_id, value.name, slim, plan)

        return guarded(value.video_id, context, work)


def looked_into(film: Path, folder: Path, attempt: int) -> SourceFacts:
    """The facts of a film. A disk that is full is waited for, but not for ever: it may be the film that fills it."""
    try:
        return look_into(film, folder)
    except ffmpeg.NoRoom as error:
        if attempt >= PROBES_WITHOUT_ROOM_MAX:
            raise Unusable(NO_ROOM_TO_LOOK) from error
        raise


class OpenEdition(Unit[Looked, Begun]):
    """An edition to fill, and its keys."""

    weight = 0.2
    queue_name = QUEUE
    policy = LIGHT
    atomic = True
    hides = ("original",)

    def run(self, context: UnitContext, value: Looked) -> Begun:
        plan = value.plan
        video = Video.objects.select_for_update().get(pk=value.video_id)
        edition = Edition.objects.create(
            video=video,
            segment_ms=round(float((plan.end_of(0) - plan.starts[0]) / plan.rate()) * 1000),
            key_period_ms=plan.key_period_s * 1000,
            duration_ms=round(plan.duration_s * 1000),
        )
        KeyPeriod.objects.bulk_create(
            KeyPeriod(edition=edition, number=number, sealed_key=keys.seal(keys.new_key(), edition.token, number))
            for number in range(int(plan.duration_s // plan.key_period_s) + 1)
        )
        video.next_edition = edition
        video.duration_ms = edition.duration_ms
        video.width, video.height = value.facts.picture.upright()
        video.source = facts_as_json(value.facts)
        video.save(update_fields=["next_edition", "duration_ms", "width", "height", "source"])
        return Begun(value.video_id, value.original, value.facts, plan, edition.pk)


def facts_as_json(facts: SourceFacts) -> dict[str, object]:
    """What the studio shows of a source."""
    picture, time = facts.picture, facts.time
    return {
        "container": facts.container,
        "codec": picture.codec,
        "width": picture.width,
        "height": picture.height,
        "frames_per_s": round(float(time.rate()), 3),
        "is_steady": time.is_steady,
        "is_hdr": picture.is_hdr(),
        "is_interlaced": picture.is_interlaced,
        "rotation": picture.rotation,
        "bits_per_s": time.bits_per_s,
        "sounds": [{"codec": s.codec, "channels": s.channels, "language": s.language} for s in facts.sounds],
        "texts": [{"codec": t.codec, "language": t.language} for t in facts.texts],
    }


def shelf_of(edition: Edition) -> Shelf:
    """Where an edition's files go, with its keys opened."""
    opened = {
        period.number: keys.unseal(bytes(period.sealed_key), edition.token, period.number)
        for period in edition.key_periods.all()
    }
    return Shelf(edition.folder(), opened, edition.key_period_ms // 1000)


def keep_piece(edition: Edition, maker: str, stream: str, first: int, segments: Sequence[Segment]) -> None:
    """A run of segments as a row."""
    rows = [segment.row() for segment in segments]
    Piece.objects.create(edition=edition, stream=stream, first_number=first, maker=maker, segments=rows)


class FastLane(Unit[Begun, FastDone]):
    """One decode to the small rungs, the sound and the sprites: something to watch within seconds."""

    weight = 6
    queue_name = QUEUE
    policy = HEAVY

    def run(self, context: UnitContext, value: Begun) -> FastDone:
        return guarded(value.video_id, context, lambda: self._make(context, value))

    def _make(self, context: UnitContext, value: Begun) -> FastDone:
        edition = Edition.objects.select_related("video").get(pk=value.edition_id)
        maker = new_token()
        names = [rung.name for rung in value.plan.fast()]
        names += [f"audio-{number}" for number in range(len(value.plan.sound_indices))]
        # What an earlier attempt left would be shown twice in the preview.
        Piece.objects.filter(edition=edition, stream__in=[*names, "iframes"]).delete()

        def on_stream(stream: Stream) -> None:
            write_stream_row(edition, value.facts, value.plan, stream)

        def on_segments(stream: str, first: int, segments: Sequence[Segment]) -> None:
            keep_piece(edition, maker, stream, first, segments)

        shelf = shelf_of(edition)
        with ffmpeg.work_folder("fast") as folder:
            made = encode.make_fast_lane(
                originals.at_hand(value.original), value.facts, value.plan, encoder(), shelf, folder,
                on_segments=on_segments, on_stream=on_stream,
                report=lambda fraction: context.report(fraction, "the first renditions and the sound"),
                cancel_requested=context.cancel_requested,
            )  # fmt: skip
        sprites = []
        for number, sheet in enumerate(made.sprites):
            name = f"sprites/{number:03d}-{letters(10)}.jpg"
            shelf.store(name, sheet)
            sprites.append(name)
        lost_s = sum(stretch.length_s for stretch in made.lost)
        work = work_of(value.plan, is_flawless=made.is_flawless, is_damaged=lost_s > 0)
        lost_at_s = [stretch.start_s for stretch in made.lost[: PLACES_NAMED_MAX + 1]]
        return FastDone(maker, made.streams, made.loudness_clufs, sprites, work, lost_s, lost_at_s)


def work_items(value: FastDone) -> list[Work]:
    """What is left for any number of workers."""
    return value.work


class Encode(Unit[Work, Done]):
    """Some rungs of some segments, from the source; or the source's own pictures as the top rung."""

    weight = 20
    queue_name = QUEUE
    policy = HEAVY

    def run(self, context: UnitContext, value: Work) -> Done:
        begun = context.output_of(OpenEdition)
        return guarded(begun.video_id, context, lambda: self._encode(context, begun, value))

    def _encode(self, context: UnitContext, begun: Begun, value: Work) -> Done:
        plan = begun.plan
        edition = Edition.objects.select_related("video").get(pk=begun.edition_id)
        maker = new_token()
        rungs = [rung for rung in plan.rungs if rung.name in value.chunk.rungs]
        note = ", ".join(rung.name for rung in rungs)
        kept: dict[tuple[str, int], Segment] = {}

        def on_segments(stream: str, first: int, segments: Sequence[Segment]) -> None:
            kept.update({(stream, first + at): segment for at, segment in enumerate(segments)})

        def report(fraction: float) -> None:
            context.report(fraction, note)

        film = originals.at_hand(begun.original)
        with ffmpeg.work_folder("encode") as folder:
            if value.is_copy:
                streams = encode.make_copy(
                    film, begun.facts, plan, rungs[0], shelf_of(edition), folder,
                    on_segments=on_segments, report=report, cancel_requested=context.cancel_requested,
                )  # fmt: skip
            else:
                streams = encode.make_chunk(
                    film, begun.facts, plan, encoder(), shelf_of(edition), folder,
                    rungs, value.chunk.first_segment, value.chunk.segments,
                    on_segments=on_segments, report=report, cancel_requested=context.cancel_requested,
                    is_damaged=value.is_damaged,
                )  # fmt: skip
        numbers = range(value.chunk.first_segment, value.chunk.first_segment + value.chunk.segments)
        with transaction.atomic():
            for rung in rungs:
                keep_piece(edition, maker, rung.name, numbers[0], [kept[(rung.name, number)] for number in numbers])
        return Done(maker, streams)
