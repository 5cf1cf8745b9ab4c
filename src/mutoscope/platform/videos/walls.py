"""Whether this machine can open what strangers send without harm: asked before a file is taken, and before it is opened."""

from __future__ import annotations

from django.conf import settings

from mutoscope.engines.sandbox import Level, NoSandbox, Sandbox
from mutoscope.engines.sandbox.levels import best


class NoWalls(Exception):
    """Nothing on this machine keeps ffmpeg from files that are none of its business."""


def sandbox_for_uploads() -> Sandbox:
    """The sandbox to open them in. Raises NoWalls.

    ffmpeg's own promises alone are not enough for strangers' files, unless the operator says so.
    """
    try:
        level = best()
    except NoSandbox as why:
        raise NoWalls(str(why)) from why
    if level is Level.WHITELIST and not settings.UPLOADS_WITHOUT_WALLS:
        raise NoWalls("neither bubblewrap nor Landlock works here")
    return Sandbox(level)
