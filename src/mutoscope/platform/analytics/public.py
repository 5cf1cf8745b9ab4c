"""The one door into analytics. The site imports this and nothing else."""

from __future__ import annotations

from mutoscope.platform.analytics.rollup.service import AddUpAudience, RollUpInputs
from mutoscope.platform.analytics.visits.endpoints import visit_counter

__all__ = ["AddUpAudience", "RollUpInputs", "visit_counter"]
