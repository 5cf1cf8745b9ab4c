"""The last units of the pipeline: covers, subtitles, package, publish."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models import F
from django.utils import timezone
from PIL import Image

from mutoscope.engines.sandbox import Places
from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.pipelines.units import Unit
from mutoscope.platform.videos.domain import playlists, webvtt
from mutoscope.platform.videos.domain.damage import note
from mutoscope.platform.videos.domain.ladder import uncopied
from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.domain.places import IFRAMES, MANIFEST, MULTIVARIANT, PLAYLIST, SPRITE_MAP, key_path
from mutoscope.platform.videos.domain.source import Unusable
from mutoscope.platform.videos.failures import NotNow
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import AudioTrack, Cover, Edition, Piece, Rendition, Sprite, Subtitle, Video
from mutoscope.platform.videos.process import arguments, ffmpeg, originals
from mutoscope.platform.videos.process.fragments import Malformed
from mutoscope.platform.videos.process.orders import Begun, Done, FastDone, Packaged, Stream
from mutoscope.platform.videos.process.rows import label_of, write_stream_row
from mutoscope.platform.videos.process.segments import FILMS, Segment, Shelf
from mutoscope.platform.videos.process.units import FastLane, OpenEdition
from mutoscope.platform.videos.process.waiting import LIGHT, QUEUE, guarded
from mutoscope.platform.videos.subtitles.convert import convert
from mutoscope.platform.videos.tokens import letters

COVER_WIDTH = 1280
# Where candidates are taken, as parts of the film. The first second is often black.
COVER_MOMENTS = (0.1, 0.3, 0.5, 0.7, 0.9)


class Covers(Unit[FastDone, list[int]]):
    """Candidates for a cover; one is picked, which its creator may change."""

    queue_name = QUEUE
    policy = LIGHT

    def run(self, context: UnitContext, value: FastDone) -> list[int]:
        begun = context.output_of(OpenEdition)
        return guarded(begun.video_id, context, lambda: make_covers(begun))


def make_covers(begun: Begun) -> list[int]:
    """Ids of the candidates. One of an earlier making stays as long as it is in use."""
    film = originals.at_hand(begun.original)
    moments = [begun.plan.duration_s * part for part in COVER_MOMENTS]
    taken = [(moment_s, picture_at(film, begun, moment_s)) for moment_s in moments]
    video = Video.objects.get(pk=begun.video_id)
    video.covers.filter(at_ms__isnull=False).exclude(pk=video.cover_id or 0).delete()
    made = [
        (keep_cover(video, picture, at_ms=round(moment_s * 1000)), liveliness(picture))
        for moment_s, picture in taken
        if picture
    ]
    if made and video.cover_id is None:
        best = max(made, key=lambda pair: pair[1])[0]
        Video.objects.filter(pk=video.pk, cover__isnull=True).update(cover=best)
    return [cover.pk for cover, _ in made]


def picture_at(film: Path, begun: Begun, moment_s: float) -> bytes:
    """A JPEG of the film at that moment; empty when the jump lands behind the last picture."""
    filters = [*arguments.upright_picture(begun.facts.picture), f"scale={COVER_WIDTH}:-2,setsar=1,format=yuvj420p"]

    def tell(places: Places) -> list[str]:
        return [
            "-ss", f"{moment_s:.3f}", *ffmpeg.film_input(places), "-map", f"0:{begun.facts.picture.index}",
            "-frames:v", "1", "-vf", ",".join(filters), "-c:v", "mjpeg", "-q:v", "3",
            "-f", "image2", "-update", "1", places.output("cover.jpg"),
        ]  # fmt: skip

    with ffmpeg.work_folder("cover") as folder:
        with contextlib.suppress(ffmpeg.Broke):
            ffmpeg.run({"film": film}, tell, folder, film_s=60)
        path = folder / "cover.jpg"
        return path.read_bytes() if path.exists() else b""


def keep_cover(video: Video, picture: bytes, *, at_ms: int | None) -> Cover:
    """Store a JPEG as a cover of a video."""
    name = f"{video.public_id}/covers/{letters(16)}.jpg"
    storages[FILMS].save(name, ContentFile(picture))
    with Image.open(io.BytesIO(picture)) as image:
        width, height = image.size
    return Cover.objects.create(video=video, file=name, width=width, height=height, at_ms=at_ms)


def liveliness(picture: bytes) -> float:
    """How much there is to see: a black or white picture has little. The spread of brightness, 0 to about 128."""
    with Image.open(io.BytesIO(picture)) as image:
        counts = image.convert("L").resize((64, 36)).histogram()
    total = sum(counts)
    mean = sum(value * count for value, count in enumerate(counts)) / total
    return float((sum(count * (value - mean) ** 2 for value, count in enumerate(counts)) / total) ** 0.5)


class Subtitles(Unit[FastDone, list[int]]):
    """The subtitles in the file as clean WebVTT."""

    queue_name = QUEUE
    policy = LIGHT

    def run(self, context: UnitContext, value: FastDone) -> list[int]:
        begun = context.output_of(OpenEdition)
        return guarded(begun.video_id, context, lambda: take_subtitles(begun))


def take_subtitles(begun: Begun) -> list[int]:
    """Ids of the tracks. A track that cannot be read is left out: it is no reason not to show the film."""
    video = Video.objects.get(pk=begun.video_id)
    film = originals.at_hand(begun.original)
    read: list[tuple[Subtitle, bytes]] = []
    for number, index in enumerate(begun.plan.text_indices):
        fact = next(text for text in begun.facts.texts if text.index == index)
        try:
            cues = convert(film, f"0:{index}", film_s=begun.plan.duration_s)
        except (ffmpeg.Broke, Unusable, UnicodeDecodeError):
            continue
        if not cues:
            continue
        subtitle = Subtitle(
            video=video, language=fact.language, label=label_of(fact.language, fact.title, number, "Subtitles"),
            file=f"{video.public_id}/subtitles/{letters(16)}.vtt", is_embedded=True, cues=len(cues),
        )  # fmt: skip
        read.append((subtitle, webvtt.render(cues).encode()))
    # Each track takes a reading of the whole film. Their files are kept once all were read, so that their rows follow at once.
    for subtitle, content in read:
        storages[FILMS].save(subtitle.file, ContentFile(content))
    video.subtitles.filter(is_embedded=True).delete()
    return [subtitle.pk for subtitle in Subtitle.objects.bulk_create([subtitle for subtitle, _ in read])]


class Package(Unit[tuple[list[Done], list[int], list[int], str], Packaged]):
    """Playlists and the manifest: the edition is whole, and nobody sees it yet."""

    queue_name = QUEUE
    policy = LIGHT

    def run(self, context: UnitContext, value: tuple[list[Done], list[int], list[int], str]) -> Packaged:
        begun, fast = context.output_of(OpenEdition), context.output_of(FastLane)
        return guarded(begun.video_id, context, lambda: package(begun, fast, value[0], trailer=value[3]))


def package(begun: Begun, fast: FastDone, done: list[Done], *, trailer: str) -> Packaged:
    """`trailer` is a file's name, or empty. Raises Malformed when segments are missing."""
    edition = Edition.objects.select_related("video").get(pk=begun.edition_id)
    makers = [fast.maker, *(one.maker for one in done)]
    edition.pieces.exclude(maker__in=makers).delete()
    plan = begun.plan if any(item.is_copy for item in fast.work) else uncopied(begun.plan)
    streams = agreed([*fast.streams, *(stream for one in done for stream in one.streams)])
    for stream in streams:
        write_stream_row(edition, begun.facts, plan, stream)
    files = _Files(Shelf(edition.folder(), {0: b""}, 1))
    segments = segments_of(edition.pieces.all())
    addresses = {period.number: key_path(period.public_id) for period in edition.key_periods.all()}
    variants, sounds, iframes = [], [], None
    for stream in streams:
        name, found = stream.name, segments[stream.name]
        _check_length(begun, stream, found)
        files.know(f"{name}/{stream.init_file}")
        text = _media_playlist(found, stream.timescale, stream.init_file, addresses)
        files.write(f"{name}/{PLAYLIST}", text)
        files.know_segments(name, found)
        sizes = [(segment.bytes, Fraction(segment.ticks, stream.timescale)) for segment in found]
        peak, mean = playlists.bandwidths(sizes)
        bandwidth = {"bandwidth_max": peak, "bandwidth_mean": mean, "bytes": sum(segment.bytes for segment in found)}
        if name.startswith("audio-"):
            loudness = fast.loudness_clufs[int(name.removeprefix("audio-"))]
            edition.audio_tracks.filter(name=name).update(**bandwidth, loudness_clufs=loudness)
        else:
            edition.renditions.filter(name=name).update(**bandwidth)
    first = streams[0]
    alone = segments[IFRAMES]
    text = _media_playlist(alone, first.timescale, f"../{first.name}/{first.init_file}", addresses, is_iframes=True)
    files.write(f"{IFRAMES}/{PLAYLIST}", text)
    files.know_segments(IFRAMES, alone)
    variants = [variant_of(rendition) for rendition in renditions_in_order(edition)]
    sounds = [sound_of(track) for track in edition.audio_tracks.order_by("id")]
    peak, mean = playlists.bandwidths([(s.bytes, Fraction(s.ticks, first.timescale)) for s in alone])
    iframes = playlists.Variant(IFRAMES, variants[0].codecs, variants[0].width, variants[0].height, 1.0, peak, mean)
    files.write(MULTIVARIANT, playlists.multivariant_playlist(variants, sounds, [], iframes))
    files.write(SPRITE_MAP, _sprites(edition, begun, fast))
    for name in fast.sprites:
        files.know(name)
    if trailer:
        files.know(trailer)
    Edition.objects.filter(pk=edition.pk).update(trailer_file=trailer)
    manifest = files.manifest()
    files.shelf.store(MANIFEST, manifest)
    total = files.total_bytes
    return Packaged(edition.pk, hashlib.sha256(manifest).hexdigest(), total)


def agreed(streams: Iterable[Stream]) -> list[Stream]:
    """Each stream once. Raises Malformed when two chunks of one would need different init segments."""
    found: dict[str, Stream] = {}
    for stream in streams:
        if found.setdefault(stream.name, stream) != stream:
            raise Malformed(f"{stream.name}: its chunks have different init segments")
    return list(found.values())


def segments_of(pieces: Iterable[Piece]) -> dict[str, list[Segment]]:
    """Each stream's segments in order. Raises Malformed where one is missing or there twice."""
    found: dict[str, dict[int, Segment]] = defaultdict(dict)
    for piece in pieces:
        for at, row in enumerate(piece.segments):
            number = piece.first_number + at
            if number in found[piece.stream]:
                raise Malformed(f"{piece.stream}: segment {number} is there twice")
            found[piece.stream][number] = Segment.of(row)
    for stream, numbered in found.items():
        if sorted(numbered) != list(range(len(numbered))):
            raise Malformed(f"{stream}: segments are missing")
    return {stream: [numbered[number] for number in sorted(numbered)] for stream, numbered in found.items()}


def renditions_in_order(edition: Edition) -> list[Rendition]:
    """The order of the playlist: H.264 from the smallest, so that a player that knows nothing begins there; then AV1."""
    found = edition.renditions.order_by("height", "id")
    return sorted(found, key=lambda rendition: rendition.codecs.startswith("av01"))


def variant_of(rendition: Rendition) -> playlists.Variant:
    return playlists.Variant(
        rendition.name, rendition.codecs, rendition.width, rendition.height,
        rendition.frame_num / rendition.frame_den, rendition.bandwidth_max, rendition.bandwidth_mean,
    )  # fmt: skip


def sound_of(track: AudioTrack) -> playlists.Sound:
    return playlists.Sound(
        track.name, track.codecs, track.language, track.label, track.is_default, track.channels,
        track.bandwidth_max, track.bandwidth_mean,
    )  # fmt: skip


def _check_length(begun: Begun, stream: Stream, found: list[Segment]) -> None:
    if not stream.name.startswith("audio-") and len(found) != len(begun.plan.starts):
        raise Malformed(f"{stream.name}: {len(found)} segments instead of {len(begun.plan.starts)}")


def entries_of(found: list[Segment], timescale: int) -> list[playlists.Entry]:
    return [playlists.Entry(s.file, Fraction(s.ticks, timescale), s.iv, s.key) for s in found]


def _media_playlist(
    found: list[Segment], timescale: int, init_file: str, addresses: dict[int, str], *, is_iframes: bool = False
) -> str:
    return playlists.media_playlist(entries_of(found, timescale), init_file, addresses, is_iframes=is_iframes)


def _sprites(edition: Edition, begun: Begun, fast: FastDone) -> str:
    """Rows of the sheets, and the map that names their tiles."""
    interval_s = begun.plan.sprite_interval_s
    width, height = arguments.tile_size(begun.plan)
    columns, rows = arguments.SPRITE_COLUMNS, arguments.SPRITE_ROWS
    per_sheet = columns * rows
    count = min(len(fast.sprites) * per_sheet, max(1, round(begun.plan.duration_s / interval_s + 0.499)))
    edition.sprites.all().delete()
    tiles = []
    for number, name in enumerate(fast.sprites):
        first = number * per_sheet
        Sprite.objects.create(
            edition=edition, number=number, file=name, columns=columns, rows=rows, tile_width=width,
            tile_height=height, first_ms=round(first * interval_s * 1000), interval_ms=round(interval_s * 1000),
            tiles=max(0, min(per_sheet, count - first)),
        )  # fmt: skip
    for tile in range(count):
        sheet, at = divmod(tile, per_sheet)
        start, end = round(tile * interval_s * 1000), round((tile + 1) * interval_s * 1000)
        file = fast.sprites[sheet].removeprefix("sprites/")
        tiles.append((start, end, file, at % columns * width, at // columns * height, width, height))
    return webvtt.sprite_map(tiles)


class _Files:
    """What an edition consists of, for the manifest."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.entries: list[dict[str, object]] = []
        self.total_bytes = 0

    def write(self, name: str, text: str) -> None:
        data = text.encode()
        self.shelf.store(name, data)
        self._add(name, len(data), hashlib.sha256(data).hexdigest())

    def know(self, name: str) -> None:
        with storages[FILMS].open(f"{self.shelf.folder}/{name}", "rb") as file:
            data = file.read()
        self._add(name, len(data), hashlib.sha256(data).hexdigest())

    def know_segments(self, stream: str, found: list[Segment]) -> None:
        for segment in found:
            self._add(f"{stream}/{segment.file}", segment.bytes, segment.sha256)

    def _add(self, path: str, size: int, sha256: str) -> None:
        self.total_bytes += size
        self.entries.append({"path": path, "bytes": size, "sha256": sha256})

    def manifest(self) -> bytes:
        ordered = sorted(self.entries, key=lambda entry: str(entry["path"]))
        return json.dumps({"version": 1, "files": ordered}, separators=(",", ":")).encode()


class Publish(Unit[Packaged, int]):
    """Everything is there: the edition takes its place, in one move."""

    queue_name = QUEUE
    policy = LIGHT
    atomic = True

    def run(self, context: UnitContext, value: Packaged) -> int:
        begun = context.output_of(OpenEdition)
        video = Video.objects.select_for_update().get(pk=begun.video_id)
        if video.next_edition_id != value.edition_id or video.run_id != context.run_id:
            # A later run has taken over: its edition is the one that counts.
            return 0
        now = timezone.now()
        Edition.objects.filter(pk=value.edition_id).update(
            whole_at=now, bytes=value.bytes, manifest_sha256=value.manifest_sha256
        )
        if video.edition_id is not None:
            Edition.objects.filter(pk=video.edition_id).update(dropped_at=now)
        fast = context.output_of(FastLane)
        source = {**(video.source or {}), "damage": note(begun.facts.missing_s, fast.lost_s, fast.lost_at_s)}
        Video.objects.filter(pk=video.pk).update(edition=F("next_edition"), next_edition=None, source=source)
        try:
            # A file that is on its way by now is to replace this one: it stays uploading.
            move(video.pk, VideoState.READY, only_from=frozenset({VideoState.PROCESSING}))
        except NotNow:
            return 0
        return value.edition_id
