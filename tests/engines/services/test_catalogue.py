from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tests.engines.services as package
from mutoscope.engines.services import ContractError, Steps, describe, find_services, render_markdown
from tests.engines.services import example
from tests.engines.services.example import (
    HouseFull,
    SellTicket,
    SellTicketInputs,
    SellTicketInternals,
    SellTicketOutputs,
)

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_a_service_is_described_from_its_code() -> None:
    described = describe(SellTicket)
    assert described.doc == "Sell seats to one viewer."
    assert described.inputs == (("viewer", "str"), ("seats", "int"), ("student", "bool"))
    assert described.internals == (("price", "int"), ("discount", "int"))
    assert described.outputs == (("paid", "int"), ("left", "int"))
    assert described.failures == ((HouseFull.__name__, "The house has fewer free seats than were asked for."),)
    assert [step.name for step in described.steps] == ["find price", "when is student", "take seats", "charge"]
    assert [step.name for step in described.steps[1].steps] == ["halve price"]


def test_services_are_found_in_the_packages_that_were_asked_for() -> None:
    assert [each.name for each in find_services(example)] == ["SellTicket"]
    assert "SellTicket" in [each.name for each in find_services(package)]


def test_a_step_that_is_not_a_method_of_the_service_is_refused() -> None:
    other = SellTicket(house=None)  # type: ignore[arg-type]

    class Borrowing(SellTicket):
        def steps(self) -> Steps[SellTicketInputs, SellTicketInternals, SellTicketOutputs]:
            return (other.charge,)

    with pytest.raises(ContractError, match="not one of its own methods"):
        describe(Borrowing)


def test_the_map_in_the_documentation_is_current() -> None:
    found = re.search(r"<!-- map -->\n(.*?)<!-- /map -->", (DOCS / "services.md").read_text(), re.DOTALL)
    assert found is not None
    assert found[1].strip() == render_markdown(find_services(example)).strip()


def test_the_example_in_the_documentation_runs_with_no_django_project_at_all(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "services.md").read_text(), re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text("\n".join(blocks))
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
