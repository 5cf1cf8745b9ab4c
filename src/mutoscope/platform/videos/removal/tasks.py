"""The files of a film that is gone. Nobody waits for it: a long film has thousands of them."""

from __future__ import annotations

from django.core.files.storage import storages
from django_tasks import task

from mutoscope.engines.tasks.queue.policy import policy
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.process.originals import ORIGINALS
from mutoscope.platform.videos.process.segments import FILMS
from mutoscope.platform.videos.process.sweeping import files_below

ATTEMPTS_MAX = 5


@task()
@policy(attempts_max=ATTEMPTS_MAX)
def remove_files(public_id: str) -> int:
    """Delete what lies under the name of a film that has no row any more; how many files. Begun twice, it goes on.

    What a worker still writes after this is found by the hourly sweep, and so is all of it where this gave up.
    """
    if Video.objects.filter(public_id=public_id).exists():
        return 0
    count = 0
    # The original first: it is the largest, and the only one that can be watched without a key.
    for storage in (storages[ORIGINALS], storages[FILMS]):
        for name in list(files_below(storage, public_id)):
            storage.delete(name)
            count += 1
    return count
