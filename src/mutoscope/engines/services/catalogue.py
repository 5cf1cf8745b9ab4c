"""The list of services, read from the code: for `make map`, and for a page of the documentation that cannot go stale."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from mutoscope.engines.services.errors import ContractError
from mutoscope.engines.services.failures import first_line
from mutoscope.engines.services.layers import Layer
from mutoscope.engines.services.service import Service, listed
from mutoscope.engines.services.steps import Group

# What holds no services, and what a look at the code should not run.
_SKIPPED = frozenset({"migrations", "management", "__main__", "wsgi", "asgi", "settings"})


@dataclass(frozen=True)
class StepDescription:
    """One step, or one group with its steps."""

    name: str
    doc: str
    steps: tuple[StepDescription, ...] = ()


@dataclass(frozen=True)
class ServiceDescription:
    """One service as its head shows it. Attributes are (name, type) pairs, failures (name, doc)."""

    name: str
    module: str
    doc: str
    inputs: tuple[tuple[str, str], ...]
    internals: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    steps: tuple[StepDescription, ...]
    failures: tuple[tuple[str, str], ...]


def find_services(*packages: ModuleType) -> list[ServiceDescription]:
    """Describe every concrete service defined in these packages, sorted by module and name. Imports their modules."""
    prefixes = tuple(package.__name__ for package in packages)
    for package in packages:
        for name in _modules(package):
            importlib.import_module(name)
    found = {
        service
        for service in _subclasses(Service)
        if not inspect.isabstract(service)
        and any(service.__module__ == prefix or service.__module__.startswith(prefix + ".") for prefix in prefixes)
    }
    return sorted((describe(service) for service in found), key=lambda each: (each.module, each.name))


def describe(service: type[Service[Any, Any, Any]]) -> ServiceDescription:
    """What a service's head says. Raises ContractError when its list of steps is not made of its own methods."""
    inputs, internals, outputs = service.layers
    # `steps` only names methods, so it can be asked of an object that was never given its ports.
    bare = object.__new__(service)
    return ServiceDescription(
        name=service.__name__,
        module=service.__module__,
        doc=first_line(service),
        inputs=tuple((field.name, _type_name(field.type)) for field in dataclasses.fields(inputs)),
        internals=_attributes(internals),
        outputs=_attributes(outputs),
        steps=tuple(_describe_step(step, bare) for step in listed(bare)),
        failures=tuple((failure.__name__, first_line(failure)) for failure in service.failures),
    )


def render_markdown(services: Iterable[ServiceDescription]) -> str:
    """A page that shows every service: its attributes, steps in order, and failures."""
    return "\n".join(line for service in services for line in _lines(service))


def _lines(service: ServiceDescription) -> Iterator[str]:
    yield from (f"## {service.name}", "", f"{service.doc} `{service.module}`", "")
    for title, attributes in (("in", service.inputs), ("works with", service.internals), ("out", service.outputs)):
        if attributes:
            yield f"- **{title}:** " + ", ".join(f"`{name}: {kind}`" for name, kind in attributes)
    if service.failures:
        yield "- **may refuse:** " + "; ".join(
            f"`{name}`: {doc.rstrip('.')}" if doc else f"`{name}`" for name, doc in service.failures
        )
    yield ""
    yield from _step_lines(service.steps, "")
    yield ""


def _step_lines(steps: tuple[StepDescription, ...], indent: str) -> Iterator[str]:
    for number, step in enumerate(steps, start=1):
        yield f"{indent}{number}. {step.name}" + (f": {step.doc}" if step.doc else "")
        yield from _step_lines(step.steps, indent + "    ")


def _describe_step(step: Any, service: Service[Any, Any, Any]) -> StepDescription:
    if isinstance(step, Group):
        return StepDescription(step.label(), "", tuple(_describe_step(inner, service) for inner in step.steps))
    if getattr(step, "__self__", None) is not service:
        raise ContractError(f"{type(service).__name__} lists {step!r}, which is not one of its own methods")
    return StepDescription(step.__name__.replace("_", " ").strip(), first_line(step))


def _attributes(layer: type[Layer]) -> tuple[tuple[str, str], ...]:
    found = {}
    for parent in reversed(layer.__mro__):
        for name, kind in inspect.get_annotations(parent).items():
            if name in layer.declared:
                found[name] = _type_name(kind)
    return tuple(found.items())


def _type_name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _modules(package: ModuleType) -> Iterator[str]:
    if not hasattr(package, "__path__"):
        return
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if found.name.rpartition(".")[2] in _SKIPPED:
            continue
        yield found.name
        if found.ispkg:
            yield from _modules(importlib.import_module(found.name))


def _subclasses(parent: type[Any]) -> Iterator[type[Any]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)
