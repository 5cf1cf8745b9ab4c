"""What a creator may choose for a film, each move in words of its own: before the click, and after it."""

from __future__ import annotations

from mutoscope.platform.videos.domain.life import MOVES, PLAYABLE, PUBLIC, VideoState
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.studio.head import without_price
from mutoscope.platform.videos.watch.cards import address
from mutoscope.platform.videos.watch.page.sharing import absolute

# In the order of the buttons: state, words, kind of button.
CHOICES = (
    (VideoState.PUBLISHED, "Publish", "primary"),
    (VideoState.UNLISTED, "Share by link only", "quiet"),
    (VideoState.READY, "Unpublish", "quiet"),
    (VideoState.ARCHIVED, "Archive", "quiet"),
)
# Where the same state is reached by another way.
OTHERWISE = {
    (VideoState.UNLISTED, VideoState.READY): "Stop sharing",
    (VideoState.ARCHIVED, VideoState.READY): "Bring it back",
}


def choices(state: VideoState) -> list[tuple[VideoState, str, str]]:
    """The buttons of a film in this state; none while there is nothing to watch."""
    if state not in PLAYABLE:
        return []
    return [
        (target, OTHERWISE.get((state, target), words), kind)
        for target, words, kind in CHOICES
        if target in MOVES[state]
    ]


def seen_by(state: VideoState, was_shown: bool) -> str:
    """Who can open its page now."""
    if state is VideoState.PUBLISHED:
        return "Everybody can find it."
    if state is VideoState.UNLISTED:
        return "Whoever has the link can open it; no list shows it."
    return "You and whoever unlocked it can open it, nobody else." if was_shown else "You alone can open it."


def why_kept(video: Video) -> str:
    """Why a film that may not get another file keeps the one that it has."""
    if video.published_at is not None:
        return "Others could see it, so it stays what they saw."
    if video.state == VideoState.ARCHIVED:
        return "It is put away: bring it back first."
    return "Its file is being received or made into a film now: another one can take its place once that has ended."


def done(left: VideoState, video: Video) -> str:
    """What has happened to a film that came from the state `left`."""
    state, was_shown = VideoState(video.state), video.published_at is not None
    lacks_price = state in PUBLIC and video.pk in without_price([video])
    for_sale = " It can be unlocked once it has a price, or with a bundle." if lacks_price else ""
    if state is VideoState.PUBLISHED:
        return f"Published. Everybody can find it now.{for_sale}"
    if state is VideoState.UNLISTED:
        # The address last: it may be long, and nothing is to be taken for a part of it.
        return f"Whoever has the link can see it now; no list shows it.{for_sale} The link: {absolute(address(video))}"
    if state is VideoState.ARCHIVED:
        return "Put away. You can bring it back at any time."
    back = "It is back. " if left is VideoState.ARCHIVED else ""
    return f"{back}{seen_by(state, was_shown=was_shown)}"
