"""What a unit does when something goes wrong: tell the creator, wait, or try again."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar

from mutoscope.engines.tasks.pipelines.context import UnitContext
from mutoscope.engines.tasks.queue.policy import Declined, Policy, RetryLater
from mutoscope.platform.videos.domain.source import Unusable
from mutoscope.platform.videos.process import ffmpeg
from mutoscope.platform.videos.process.failing import BROKEN, fail_video
from mutoscope.platform.videos.walls import NoWalls

T = TypeVar("T")
# A unit that found the disk full or the storage away asks again after this long, for as long as it takes.
WAIT_S = 15.0
# Each time that much longer, up to this many times as long.
WAITS_MAX = 4
NOTE_LENGTH_MAX = 300
ATTEMPTS_MAX = 4
# A queue of its own: what opens strangers' files may run behind walls of its own (docs/deploying.md).
QUEUE = "films"
PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EROFS, errno.ENFILE, errno.EMFILE, errno.ENOMEM}
AWAY = ("botocore", "boto3", "s3transfer", "urllib3")


class GaveUp(Declined):
    """The film cannot be made of this file, and its creator was told why. Nothing is wrong with the site, and nobody else is told."""


class Stumbled(Exception):
    """Something broke that may not break again."""


LIGHT = Policy(attempts_max=ATTEMPTS_MAX, backoff_s=1.0, retry_on=(Stumbled,))


def guarded(video_id: int, context: UnitContext, work: Callable[[], T]) -> T:
    """Run a unit's work on a film.

    Raises GaveUp after telling the creator why; RetryLater where there is something to wait for (a full disk, a storage
    that is away, a machine without walls), as often as it takes; Stumbled for all else, after the last attempt with a word to the creator.
    """
    try:
        return work()
    except Unusable as why:
        fail_video(video_id, str(why), run_id=context.run_id)
        raise GaveUp(str(why)) from why
    except Exception as error:
        if is_passing(error):
            note = " ".join(f"waiting: {type(error).__name__}: {error}".split())[:NOTE_LENGTH_MAX]
            raise RetryLater(WAIT_S * min(context.attempt, WAITS_MAX), note, past_attempts_max=True) from error
        if context.attempt >= ATTEMPTS_MAX and not context.cancel_requested():
            fail_video(video_id, BROKEN, run_id=context.run_id)
        raise Stumbled(f"{type(error).__name__}: {error}") from error


def is_passing(error: BaseException) -> bool:
    """Whether this is something that goes away by itself, or when an operator makes room."""
    if isinstance(error, ffmpeg.NoRoom | NoWalls | ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError) and error.errno in PASSING:
        return True
    return type(error).__module__.split(".")[0] in AWAY
