"""`mutoscope map`: the contexts with their use cases and steps, and the pipelines, read from the code."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

from rich.console import Console
from rich.tree import Tree

from mutoscope.engines.services import ServiceDescription, find_services
from mutoscope.engines.services.catalogue import StepDescription


def print_map() -> None:
    """Print the whole map."""
    import django

    django.setup()
    import mutoscope.platform
    import mutoscope.web

    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    services = find_services(mutoscope.platform, mutoscope.web)
    for package in (*_contexts(mutoscope.platform), mutoscope.web):
        tree = Tree(f"[bold]{package.__name__.rpartition('.')[2]}[/bold]  [dim]{_first_line(package)}[/dim]")
        for service in services:
            if service.module.startswith(package.__name__ + "."):
                _add_service(tree, service)
        console.print(tree)
    pipelines = _pipelines()
    console.print(pipelines)


def _contexts(parent: ModuleType) -> list[ModuleType]:
    found = pkgutil.iter_modules(parent.__path__, parent.__name__ + ".")
    return [importlib.import_module(module.name) for module in found if module.ispkg]


def _add_service(tree: Tree, service: ServiceDescription) -> None:
    branch = tree.add(f"[yellow]{service.name}[/yellow]  {service.doc}")
    takes = ", ".join(name for name, _ in service.inputs)
    gives = ", ".join(name for name, _ in service.outputs)
    branch.add(f"[dim]{takes or 'nothing'} -> {gives or 'nothing'}[/dim]")
    _add_steps(branch, service.steps)
    if service.failures:
        branch.add("[dim]may refuse: " + ", ".join(name for name, _ in service.failures) + "[/dim]")


def _add_steps(branch: Tree, steps: tuple[StepDescription, ...]) -> None:
    for number, step in enumerate(steps, start=1):
        _add_steps(branch.add(f"{number}. {step.name}"), step.steps)


def _pipelines() -> Tree:
    from mutoscope.engines.tasks.pipelines.pipeline import declared_pipelines

    tree = Tree("[bold]pipelines[/bold]")
    for pipeline in declared_pipelines():
        tree.add(f"[yellow]{pipeline.name}[/yellow]  {' >> '.join(pipeline.units)}")
    if not tree.children:
        tree.add("[dim]none yet[/dim]")
    return tree


def _first_line(package: ModuleType) -> str:
    return (package.__doc__ or "").strip().split("\n")[0]
