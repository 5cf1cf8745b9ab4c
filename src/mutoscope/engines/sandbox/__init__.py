"""Running a program that cannot be trusted, or that reads what cannot be trusted, with nothing to steal and nowhere to go.

    from mutoscope.engines.sandbox import Job, Limits, Sandbox

    outcome = Sandbox.of_this_machine().run(Job(program, arguments, inputs={"film": path}, work=folder))

No Django is needed. docs/sandbox.md explains levels and limits.
"""

from mutoscope.engines.sandbox.job import Job, Limits, NotThere, Outcome, Places
from mutoscope.engines.sandbox.levels import Level, NoSandbox, Probe, probe_all
from mutoscope.engines.sandbox.runner import Sandbox

__all__ = ["Job", "Level", "Limits", "NoSandbox", "NotThere", "Outcome", "Places", "Probe", "Sandbox", "probe_all"]
