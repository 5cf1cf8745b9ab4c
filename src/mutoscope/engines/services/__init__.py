"""Use cases whose head is their contract: inputs, internals, outputs, failures, and the ordered steps. See docs/services.md."""

from __future__ import annotations

from mutoscope.engines.services.catalogue import ServiceDescription, describe, find_services, render_markdown
from mutoscope.engines.services.errors import (
    ContractError,
    MissingOutput,
    StepReturnedSomething,
    UndeclaredAttribute,
    UndeclaredFailure,
    UnreadableLayer,
    WrittenAfterReturn,
    WrongInputs,
)
from mutoscope.engines.services.failures import Failure, Refused, Unacceptable
from mutoscope.engines.services.layers import Internals, NoInternals, NoOutputs, Outputs
from mutoscope.engines.services.observing import LogObserver, Observer, observing
from mutoscope.engines.services.ports import Socket
from mutoscope.engines.services.service import Service
from mutoscope.engines.services.steps import Group, State, Step, Steps, atomic, when

__all__ = [
    "ContractError",
    "Failure",
    "Group",
    "Internals",
    "LogObserver",
    "MissingOutput",
    "NoInternals",
    "NoOutputs",
    "Observer",
    "Outputs",
    "Refused",
    "Service",
    "ServiceDescription",
    "Socket",
    "State",
    "Step",
    "StepReturnedSomething",
    "Steps",
    "Unacceptable",
    "UndeclaredAttribute",
    "UndeclaredFailure",
    "UnreadableLayer",
    "WrittenAfterReturn",
    "WrongInputs",
    "atomic",
    "describe",
    "find_services",
    "observing",
    "render_markdown",
    "when",
]
