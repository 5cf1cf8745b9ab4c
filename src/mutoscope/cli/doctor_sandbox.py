"""What the doctor says of the walls around programs that open strangers' files."""

from __future__ import annotations

from mutoscope.cli.doctor import Finding, Findings, Health
from mutoscope.web.environment import Environment

UNDER_UNITS = (
    "Under the units of deploy/systemd the site refuses uploads, since its unit allows no namespaces and bubblewrap needs them: "
    "Linux 5.13 or newer with Landlock on (lsm=landlock), or open that unit as docs/deploying.md says."
)


def sandbox(environment: Environment) -> Findings:
    """How well a program can be locked in here: the best level that works, and what stands in the way of a better one."""
    from mutoscope.engines.sandbox import Level, probe_all

    probes = probe_all()
    lacking = "; ".join(f"{probe.level}: {probe.reason}" for probe in probes if not probe.works)
    cures = [probe.cure for probe in probes if not probe.works and probe.cure]
    # Each would help. Where something forbids namespaces to this process alone, only Landlock does.
    cure = "; or ".join(cures) or "See docs/sandbox.md."
    best = next((probe.level for probe in probes if probe.works), None)
    landlock_works = any(probe.level is Level.LANDLOCK and probe.works for probe in probes)
    match best:
        case Level.BUBBLEWRAP if landlock_works or not environment.is_production:
            yield Finding("sandbox", Health.GOOD, "bubblewrap")
        case Level.BUBBLEWRAP:
            yield Finding("sandbox", Health.WARNING, f"bubblewrap alone ({lacking})", UNDER_UNITS)
        case Level.LANDLOCK:
            yield Finding("sandbox", Health.WARNING, f"landlock, the second best ({lacking})", cure)
        case Level.WHITELIST:
            yield Finding("sandbox", Health.BAD, f"no walls around files ({lacking})", cure)
        case None:
            yield Finding("sandbox", Health.BAD, f"none ({lacking})", cure)
