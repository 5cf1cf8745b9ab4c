"""What `deploy/` promises: units that start commands that exist, at the bounds that the engines have."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest

from mutoscope.cli import up
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


def test_each_part_that_up_starts_has_a_unit() -> None:
    """The database and the sandbox chain aside, which are somebody else's in production."""
    started = {service(unit)["ExecStart"].split()[1] for unit in UNITS}
    assert started == {up.WEB, up.WORKER, up.WATCHER, up.SIGNER}


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


# What landlock.py, launch.py and runner.py call, and bubblewrap besides.
LOWER_WALLS = {
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "prctl", "setrlimit", "memfd_create", "pidfd_open",
    "waitid", "execve",
}  # fmt: skip
BUBBLEWRAP = {
    "unshare", "clone", "mount", "umount2", "pivot_root", "sethostname", "capset", "chdir", "signalfd4", "eventfd2", "setsid",
    "prlimit64",
}  # fmt: skip


@pytest.mark.systemd
@pytest.mark.parametrize(
    ("part", "needed"), [("web", LOWER_WALLS), ("films", LOWER_WALLS | BUBBLEWRAP)], ids=["web", "films"]
)
def test_a_unit_allows_the_calls_that_put_up_the_walls(part: str, needed: set[str]) -> None:
    """A call that is not allowed would end the site at its first upload, or leave films with lesser walls."""
    allowed: set[str] = _group("@default")
    for line in (ROOT / f"deploy/systemd/mutoscope-{part}.service").read_text().splitlines():
        if line.startswith("SystemCallFilter="):
            names = line.removeprefix("SystemCallFilter=").split()
            is_refusal = names[0].startswith("~")
            names[0] = names[0].removeprefix("~")
            listed = set().union(*(_group(name) for name in names))
            allowed = allowed - listed if is_refusal else allowed | listed
    assert needed - allowed == set()


def _group(name: str) -> set[str]:
    """The calls of one of systemd's groups, or the call itself."""
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    listed = [line.strip() for line in told.stdout.splitlines() if line.startswith("    ")]
    return set().union(*(_group(each) for each in listed if not each.startswith("#")))


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
