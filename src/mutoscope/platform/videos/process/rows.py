"""Rows about an edition's streams, written as soon as a stream has its first segment."""

from __future__ import annotations

from mutoscope.platform.videos.domain.ladder import Plan
from mutoscope.platform.videos.domain.source import SourceFacts
from mutoscope.platform.videos.models import AudioTrack, Edition, Rendition
from mutoscope.platform.videos.process.orders import Stream

# What people call the languages that films mostly come in; others go by their code.
LANGUAGES = {
    "eng": "English", "en": "English", "deu": "Deutsch", "ger": "Deutsch", "de": "Deutsch", "fra": "Français",
    "fre": "Français", "fr": "Français", "spa": "Español", "es": "Español", "ita": "Italiano", "it": "Italiano",
    "por": "Português", "pt": "Português", "nld": "Nederlands", "dut": "Nederlands", "nl": "Nederlands",
    "pol": "Polski", "pl": "Polski", "ukr": "Українська", "uk": "Українська", "rus": "Русский", "ru": "Русский",
    "jpn": "日本語", "ja": "日本語", "zho": "中文", "chi": "中文", "zh": "中文", "kor": "한국어", "ko": "한국어",
    "ara": "العربية", "ar": "العربية", "hin": "हिन्दी", "hi": "हिन्दी", "tur": "Türkçe", "tr": "Türkçe",
}  # fmt: skip


def label_of(language: str, title: str, number: int, kind: str) -> str:
    """What a menu calls a track."""
    printable = "".join(letter for letter in title if letter.isprintable()).strip()
    return printable[:80] or LANGUAGES.get(language) or (language if language != "und" else f"{kind} {number + 1}")


def write_stream_row(edition: Edition, facts: SourceFacts, plan: Plan, stream: Stream) -> None:
    """The rendition's or track's row; again with another init segment, if another attempt made one."""
    found = {"codecs": stream.codecs, "timescale": stream.timescale, "init_file": stream.init_file}
    rung = next((rung for rung in plan.rungs if rung.name == stream.name), None)
    if rung is not None:
        own = {
            "width": rung.width,
            "height": rung.height,
            "frame_num": plan.rate_num,
            "frame_den": plan.rate_den,
            "is_copy": rung.is_copy,
            "is_fast": rung.is_fast,
        }
        Rendition.objects.update_or_create(edition=edition, name=stream.name, defaults={**found, **own})
        return
    number = int(stream.name.removeprefix("audio-"))
    sound = next(sound for sound in facts.sounds if sound.index == plan.sound_indices[number])
    defaults = {
        **found,
        "language": sound.language,
        "label": label_of(sound.language, sound.title, number, "Sound"),
        "is_default": number == 0,
    }
    AudioTrack.objects.update_or_create(edition=edition, name=stream.name, defaults=defaults)
