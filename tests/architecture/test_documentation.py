"""What a person can set, type or call is documented, or the build fails."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mutoscope.cli.entry import app
from mutoscope.web.environment import Environment
from tests.plugin import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import settings_page
import use_cases_page

DOCS = ROOT / "docs"
ENGINES = [folder for folder in (ROOT / "src/mutoscope/engines").iterdir() if folder.is_dir()]


def commands() -> list[str]:
    return sorted(
        str(command.name or command.callback.__name__) for command in app.registered_commands if command.callback
    )


def targets() -> list[str]:
    return re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def pages() -> Iterator[Path]:
    yield ROOT / "README.md"
    yield ROOT / "CHANGELOG.md"
    yield from sorted(DOCS.rglob("*.md"))


def test_the_settings_page_is_what_the_definitions_say() -> None:
    assert settings_page.PAGE.read_text() == settings_page.render(), "docs/settings.md is out of date: run `make docs`"


def test_the_page_of_use_cases_is_what_the_services_say() -> None:
    assert use_cases_page.PAGE.read_text() == use_cases_page.render(), (
        "docs/use-cases.md is out of date: run `make docs`"
    )


@pytest.mark.parametrize("name", [str(field.validation_alias) for field in Environment.model_fields.values()])
def test_every_setting_has_a_sentence_and_an_example(name: str) -> None:
    field = next(field for field in Environment.model_fields.values() if field.validation_alias == name)
    assert field.description
    assert field.description.endswith(".")
    assert field.examples


def test_no_setting_is_read_past_the_definitions() -> None:
    defined = {str(field.validation_alias) for field in Environment.model_fields.values()}
    # Set by our own processes for each other, never by an operator.
    internal = {"MUTOSCOPE_ROLE", "MUTOSCOPE_SUPERVISOR"}
    # Django settings of an engine, for projects that borrow it; its own page documents them.
    pages = "".join(
        (DOCS / f"{engine.name}.md").read_text() for engine in ENGINES if (DOCS / f"{engine.name}.md").exists()
    )
    internal |= set(re.findall(r"`(MUTOSCOPE_[A-Z_]+)`", pages))
    used: dict[str, Path] = {}
    for path in (ROOT / "src").rglob("*.py"):
        for name in re.findall(r"\b((?:MUTOSCOPE|DATABASE)_[A-Z_]+)\b", path.read_text()):
            used[name] = path
    # DATABASE_DIRECT_URL also names one of Django's settings.
    unknown = {name: str(path) for name, path in used.items() if name not in defined | internal}
    assert unknown == {}


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    assert f"`mutoscope {command}" in (DOCS / "commands.md").read_text()


@pytest.mark.parametrize("target", targets())
def test_every_make_target_is_documented(target: str) -> None:
    assert f"`make {target}" in (DOCS / "commands.md").read_text()


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = (ROOT / "mkdocs.yml").read_text()
    missing = [
        str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if str(page.relative_to(DOCS)) not in contents
    ]
    assert missing == []


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_docs_are_flat() -> None:
    folders = {path.relative_to(DOCS).parts[0] for path in DOCS.rglob("*") if path.is_dir()}
    assert folders <= {"decisions", "pictures"}
