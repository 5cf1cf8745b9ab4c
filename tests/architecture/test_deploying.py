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
SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
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


def lines(unit: Path, name: str) -> list[str]:
    """Every value that a unit gives for one entry, which it may have several times."""
    return [line.partition("=")[2] for line in unit.read_text().splitlines() if line.startswith(f"{name}=")]


def service(unit: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    return dict(parser["Service"])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_that_exists_behind_walls(unit: Path) -> None:
    facts = service(unit)
    for command in (line.split() for line in lines(unit, "ExecStart")):
        assert command[0].endswith("/mutoscope")
        assert command[1] in {
            entry.name or entry.callback.__name__ for entry in app.registered_commands if entry.callback
        }
    assert {name: facts.get(name) for name in WALLS} == WALLS
    assert facts["User"] == unit.stem.replace("mutoscope-migrate", "mutoscope")


def test_the_parts_agree_on_who_owns_what_they_share() -> None:
    """Users of their own, one group, a folder that none of them takes for itself, and files that are the group's."""
    sharing = [unit for unit in UNITS if unit.stem != "mutoscope-signer"]
    users = {service(unit)["User"] for unit in sharing}
    assert len(users) == len(sharing)
    made = (SYSTEMD / "mutoscope.sysusers.conf").read_text()
    assert users == set(re.findall(r"(?m)^u (\S+)", made))
    for unit in sharing:
        facts = service(unit)
        assert (facts["Group"], facts["UMask"], facts["ReadWritePaths"]) == ("mutoscope", "0007", "/var/lib/mutoscope")
        assert "StateDirectory" not in facts, "systemd would give the whole of it to this unit's user at each start"
        if unit.stem != "mutoscope-migrate":
            assert "-/var/lib/mutoscope/static" in facts["ReadOnlyPaths"], "what browsers run is nobody's to change"
    assert "d /var/lib/mutoscope 2770 mutoscope mutoscope -" in (SYSTEMD / "mutoscope.tmpfiles.conf").read_text()


def test_no_part_but_the_signer_may_read_what_is_the_signers() -> None:
    for unit in UNITS:
        if unit.stem == "mutoscope-signer":
            assert lines(unit, "EnvironmentFile") == ["/etc/mutoscope-signer/signer.env"]
        else:
            assert "-/etc/mutoscope-signer -/var/lib/mutoscope-signer" in service(unit)["InaccessiblePaths"]


def test_an_action_of_the_signer_by_hand_runs_as_its_unit_does() -> None:
    script = (SYSTEMD / "signer-do").read_text()
    unit = service(SYSTEMD / "mutoscope-signer.service")
    given = dict(re.findall(r"--property=(\w+)=(\S*)", script))
    assert {"User", "Group", "EnvironmentFile", "LoadCredentialEncrypted", "StateDirectory", "UMask"} <= set(given)
    assert given == {name: unit[name] for name in given}
    assert unit["ExecStart"] in script


def test_the_manual_installs_every_file_there_is() -> None:
    manual = (ROOT / "docs" / "deploying.md").read_text()
    for file in SYSTEMD.iterdir():
        if file.suffix != ".service" and file.name != "signer-do":
            assert f"install -m 0644 {file.name} /etc/" in manual
    for part in users_own_files():
        assert f"`{part}.env`" in manual


def test_opened_for_bubblewrap_the_sites_unit_is_as_the_films_one() -> None:
    """The drop-in of the manual: each wall that it takes away is one that the films' unit does without."""
    manual = (ROOT / "docs" / "deploying.md").read_text()
    opened = manual.partition("systemctl edit mutoscope-web")[2].partition("## A proxy")[0]
    films = SYSTEMD / "mutoscope-films.service"
    assert lines(films, "SystemCallFilter")[0] in opened
    taken = set(re.findall(r"(?m)^    (\w+)=(?:no|default|all)$", opened))
    assert taken
    assert taken.isdisjoint(service(films))


def users_own_files() -> set[str]:
    found = {Path(line.removeprefix("-")).stem for unit in UNITS for line in lines(unit, "EnvironmentFile")}
    return found - {"signer"}


def test_each_part_that_up_starts_has_a_unit() -> None:
    """The database and the sandbox chain aside, which are somebody else's in production."""
    started = {line.split()[1] for unit in UNITS for line in lines(unit, "ExecStart")}
    assert started == {up.WEB, up.WORKER, up.WATCHER, up.SIGNER, "manage"}


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


@pytest.mark.root
@pytest.mark.systemd
def test_users_and_folder_come_out_as_the_units_want_them(tmp_path: Path) -> None:
    for program, kind in (("systemd-sysusers", "sysusers"), ("systemd-tmpfiles", "tmpfiles")):
        folder = tmp_path / "usr" / "lib" / f"{kind}.d"
        folder.mkdir(parents=True)
        (folder / "mutoscope.conf").write_text((SYSTEMD / f"mutoscope.{kind}.conf").read_text())
        (tmp_path / "etc").mkdir(exist_ok=True)
        command = [program, f"--root={tmp_path}", *(["--create"] if kind == "tmpfiles" else []), "mutoscope.conf"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    users = dict(line.split(":")[0::2][:2] for line in (tmp_path / "etc" / "passwd").read_text().splitlines())
    groups = {line.split(":")[3] for line in (tmp_path / "etc" / "passwd").read_text().splitlines()}
    about = (tmp_path / "var" / "lib" / "mutoscope").stat()
    assert (about.st_uid, about.st_mode & 0o7777) == (int(users["mutoscope"]), 0o2770)
    assert groups == {str(about.st_gid)}


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
