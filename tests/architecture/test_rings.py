"""Imports, foreign keys and migrations all point down."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.plugin import ROOT

# From top to bottom. What stands in one group must not know each other.
Layers = list[set[str]]


def layers(contract: str) -> Layers:
    """The layers of one of import-linter's contracts, so that the same diagram holds for tables."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    lines = parser[f"importlinter:contract:{contract}"]["layers"].split("\n")
    return [set(re.findall(r"\w+", line)) for line in lines if line.strip()]


def place(module: str) -> tuple[int, int, str] | None:
    """Where a module of ours stands: (ring, layer within the ring, name). Higher is further up."""
    match module.split("."):
        case ["mutoscope", "web", *_]:
            return (2, 0, "web")
        case ["mutoscope", "platform", context, *_]:
            return (1, _height(layers("contexts"), context), context)
        case ["mutoscope", "engines", engine, *_]:
            return (0, _height(layers("engines"), engine), engine)
    return None


def _height(order: Layers, name: str) -> int:
    return next(height for height, group in enumerate(reversed(order)) if name in group)


def points_down(origin: str, target: str) -> bool:
    here, there = place(origin), place(target)
    if here is None or there is None or here[2] == there[2]:
        return True
    return there[:2] < here[:2]


def test_import_contracts_hold() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--config", ROOT / ".importlinter", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_relations_between_tables_point_down() -> None:
    upward = [
        f"{model.__module__}.{model.__name__}.{field.name} -> {field.related_model.__module__}"
        for model in apps.get_models(include_auto_created=True)
        for field in chain(model._meta.fields, model._meta.many_to_many)
        if field.is_relation
        and isinstance(field.related_model, type)
        and not points_down(model.__module__, field.related_model.__module__)
    ]
    assert upward == []


@pytest.mark.django_db
def test_migrations_depend_on_what_is_below() -> None:
    modules = {config.label: config.name for config in apps.get_app_configs()}
    upward = [
        f"{app}.{name} -> {needed}"
        for (app, name), migration in MigrationLoader(connection).disk_migrations.items()
        for needed, _ in migration.dependencies
        if needed in modules and not points_down(modules[app], modules[needed])
    ]
    assert upward == []


@pytest.mark.parametrize(
    ("origin", "target", "down"),
    [
        ("mutoscope.web.urls", "mutoscope.platform.accounts.models", True),
        ("mutoscope.platform.accounts.models", "mutoscope.web.urls", False),
        ("mutoscope.platform.accounts.models", "mutoscope.platform.support.models", False),
        ("mutoscope.platform.support.models", "mutoscope.platform.accounts.models", True),
        ("mutoscope.engines.tasks.models", "mutoscope.engines.ledger.models", False),
        ("mutoscope.engines.tasks.models", "mutoscope.engines.postgres.models", True),
        ("mutoscope.platform.accounts.models", "django.contrib.auth.models", True),
    ],
)
def test_the_measure_itself_tells_up_from_down(origin: str, target: str, down: bool) -> None:
    assert points_down(origin, target) is down


@pytest.mark.django_db(databases=["default", "direct"])
def test_no_model_change_lacks_its_migration(capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    assert "No changes detected" in capsys.readouterr().out
