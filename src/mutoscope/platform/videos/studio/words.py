"""The words of a film as their creator saves them, alone or with the click that shows the film."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F

from mutoscope.platform.accounts.public import BadText, parse_description, parse_title
from mutoscope.platform.videos.failures import NoSuchVideo, Refused, Unacceptable
from mutoscope.platform.videos.models import Video


@dataclass(frozen=True)
class Words:
    """What was typed, and the version of the words (Video.words_version) that was shown when the typing began."""

    title: str
    description: str
    seen: int


class ChangedMeanwhile(Refused):
    """Somebody saved other words since these were shown: the same creator in another tab, as a rule."""

    def sentence(self) -> str:
        return "This film was changed in another tab or on another device since you opened this page, so nothing was saved."


def save_words(video: Video, words: Words) -> None:
    """Save, in the caller's transaction if there is one, in one statement: what comes later than it sees another version.

    Raises Unacceptable with the field's name, ChangedMeanwhile, NoSuchVideo.
    """
    title, description = parse_words(words)
    known = Video.objects.filter(pk=video.pk)
    # Saved twice, the same words are no change.
    same = known.filter(title=title, description=description).exists()
    saved = same or known.filter(words_version=words.seen).update(
        title=title, description=description, words_version=F("words_version") + 1
    )
    if not saved:
        raise ChangedMeanwhile if known.exists() else NoSuchVideo
    video.title, video.description = title, description


def parse_words(words: Words) -> tuple[str, str]:
    """Title and description as they are kept. Raises Unacceptable with the field's name."""
    try:
        title = parse_title(words.title)
    except BadText as error:
        raise Unacceptable(where="title", why=str(error)) from None
    try:
        description = parse_description(words.description)
    except BadText as error:
        raise Unacceptable(where="description", why=str(error)) from None
    return title, description
