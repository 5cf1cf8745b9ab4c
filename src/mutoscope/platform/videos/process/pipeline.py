"""How a film is made, from one end to the other. docs/videos.md draws it."""

from __future__ import annotations

from mutoscope.engines.tasks.pipelines.pipeline import Pipeline
from mutoscope.engines.tasks.pipelines.units import each, parallel
from mutoscope.platform.videos.process.finishing import Covers, Package, Publish, Subtitles
from mutoscope.platform.videos.process.trailer import Trailer
from mutoscope.platform.videos.process.units import Encode, FastLane, OpenEdition, Probe, Receive, work_items

MAKE_FILM = Pipeline(
    "videos.make",
    Receive()
    >> Probe()
    >> OpenEdition()
    >> FastLane()
    >> parallel(each(Encode(), by=work_items), Covers(), Subtitles(), Trailer())
    >> Package()
    >> Publish(),
)
