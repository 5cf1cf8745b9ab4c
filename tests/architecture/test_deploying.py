"""What `deploy/` promises: units that start commands that exist, at the bounds that the engines have."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest

from mutoscope.cli.entry import app

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
# What every part has to do without, whatever else it needs.
WALLS = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "LimitCORE": "0",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
}


def service(unit: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    return dict(parser["Service"])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_that_exists_behind_walls(unit: Path) -> None:
    facts = service(unit)
    command = facts["ExecStart"].split()
    assert command[0].endswith("/mutoscope")
    assert command[1] in {entry.name or entry.callback.__name__ for entry in app.registered_commands if entry.callback}
    assert {name: facts.get(name) for name in WALLS} == WALLS
    assert facts["User"] not in {"root", "mutoscope"}


def test_only_the_films_part_may_make_namespaces_and_it_reaches_this_machine_alone() -> None:
    open_ones = {unit.stem for unit in UNITS if service(unit).get("RestrictNamespaces") != "yes"}
    assert open_ones == {"mutoscope-films"}
    films = service(ROOT / "deploy/systemd/mutoscope-films.service")
    assert (films["IPAddressDeny"], films["IPAddressAllow"]) == ("any", "localhost")


def test_the_jail_has_no_address_and_the_units_bounds() -> None:
    films = service(ROOT / "deploy/systemd/mutoscope-films.service")
    for name in ("Bastillefile", "jail.conf"):
        text = (ROOT / "deploy/freebsd" / name).read_text()
        assert re.search(r"ip4\W+disable", text)
        assert re.search(r"ip6\W+disable", text)
        assert re.search(rf"memoryuse\W+(deny=)?{films['MemoryMax']}\b", text)
        assert re.search(rf"maxproc\W+(deny=)?{films['TasksMax']}\b", text)


@pytest.mark.systemd
def test_systemd_finds_nothing_to_complain_of(tmp_path: Path) -> None:
    for unit in UNITS:
        # The project is not in /opt here, so a program that is there stands for it.
        (tmp_path / unit.name).write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text()))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in checked.stderr.splitlines() if str(tmp_path) in line]
    assert complaints == []
