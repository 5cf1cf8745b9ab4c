"""What a program in the sandbox tries, and what it gets: at every level that is offered."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from mutoscope.engines.sandbox import Job, Level, Limits, NotThere, Sandbox
from mutoscope.engines.sandbox.job import Limit
from tests.engines.sandbox.conftest import LEVELS_WITH_WALLS_AROUND_FILES, RunShell

CANARY = "canary-5d2f81"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file beside the work folder that nobody inside may read."""
    path = tmp_path / "secret.txt"
    path.write_text(CANARY)
    path.chmod(0o644)
    return path


def test_it_reads_its_input_and_writes_into_its_folder(run_shell: RunShell, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("hello")
    outcome = run_shell(
        lambda p: f'read w < {p.input("word")}; echo "$w back" > {p.output("answer")}', inputs={"word": given}
    )
    assert (tmp_path / "work" / "answer").read_text() == "hello back\n", outcome.stderr_tail


@pytest.mark.parametrize("sandbox", LEVELS_WITH_WALLS_AROUND_FILES, indirect=True)
def test_an_input_cannot_be_changed(run_shell: RunShell, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("as it was")
    run_shell(lambda p: f"echo changed > {p.input('word')}", inputs={"word": given})
    assert given.read_text() == "as it was"


@pytest.mark.parametrize("sandbox", LEVELS_WITH_WALLS_AROUND_FILES, indirect=True)
def test_no_file_of_the_host_can_be_read(run_shell: RunShell, canary: Path) -> None:
    outcome = run_shell(lambda p: f"read x < {canary}; echo got:$x; read y < /etc/passwd; echo got:$y")
    assert CANARY.encode() not in outcome.stdout
    assert b"root:" not in outcome.stdout
    assert outcome.stdout.count(b"got:\n") == 2


@pytest.mark.parametrize("sandbox", LEVELS_WITH_WALLS_AROUND_FILES, indirect=True)
def test_no_file_can_be_written_outside_its_folder(run_shell: RunShell, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    run_shell(lambda p: f"echo x > {outside}; echo x > /usr/outside")
    assert not outside.exists()
    assert not Path("/usr/outside").exists()


def test_no_connection_can_be_made(run_shell: RunShell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        port = server.getsockname()[1]
        outcome = run_shell(lambda p: f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected")
        assert b"connected" not in outcome.stdout
        with pytest.raises(TimeoutError):
            server.accept()


def test_no_other_process_can_be_started(run_shell: RunShell) -> None:
    outcome = run_shell(lambda p: "/usr/bin/id && echo started; (echo forked)")
    assert b"started" not in outcome.stdout
    assert b"forked" not in outcome.stdout


def test_its_owner_cannot_be_killed(run_shell: RunShell) -> None:
    victim = subprocess.Popen(["sleep", "60"])
    try:
        run_shell(lambda p: f"kill -9 {victim.pid}; kill -9 {os.getpid()}; kill -9 -1; echo done")
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def test_the_environment_is_empty_but_for_what_the_job_gives(
    run_shell: RunShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUTOSCOPE_SECRET_KEY", CANARY)
    outcome = run_shell(lambda p: "declare -px; read -r -d '' e < /proc/self/environ; echo \"$e\"")
    assert outcome.stdout
    assert CANARY.encode() not in outcome.stdout


def test_no_handle_of_the_owner_is_inherited(run_shell: RunShell, canary: Path) -> None:
    with canary.open() as handle:
        os.set_inheritable(handle.fileno(), True)
        outcome = run_shell(lambda p: f"read x <&{handle.fileno()}; echo got:$x")
    assert CANARY.encode() not in outcome.stdout


@pytest.mark.parametrize(
    ("line", "limits", "limit"),
    [
        ("while :; do :; done", Limits(cpu_s=1, wall_s=30), Limit.CPU),
        ("exec /usr/bin/sleep 60", Limits(cpu_s=30, wall_s=1), Limit.WALL),
        ("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", Limits(output_bytes=100_000), Limit.OUTPUT),
        ("x=a; while :; do x=$x$x; done", Limits(memory_bytes=256 * 1024**2), Limit.MEMORY),
    ],
    ids=["cpu", "wall", "output", "memory"],
)
def test_a_limit_ends_the_run_and_is_named(run_shell: RunShell, line: str, limits: Limits, limit: Limit) -> None:
    outcome = run_shell(lambda p: line, limits=limits)
    assert not outcome.succeeded()
    assert limit in outcome.limits, outcome


def test_a_file_may_not_grow_beyond_its_bound(run_shell: RunShell, tmp_path: Path) -> None:
    outcome = run_shell(
        lambda p: (
            f"exec > {p.output('big')}; while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done"
        ),
        limits=Limits(file_bytes=50_000),
    )
    assert Limit.FILE in outcome.limits
    assert (tmp_path / "work" / "big").stat().st_size <= 50_000


def test_setting_cancel_ends_the_run(run_shell: RunShell) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    outcome = run_shell(lambda p: "while :; do :; done", cancel=cancel, limits=Limits(cpu_s=60, wall_s=60))
    assert outcome.cancelled
    assert not outcome.limits


def test_lines_arrive_while_it_runs(run_shell: RunShell) -> None:
    seen: list[str] = []
    cancel = threading.Event()

    def on_line(line: str) -> None:
        seen.append(line)
        cancel.set()

    outcome = run_shell(
        lambda p: "echo out_time_us=1; while :; do :; done", on_line=on_line, cancel=cancel, limits=Limits(wall_s=60)
    )
    assert seen == ["out_time_us=1"]
    assert outcome.cancelled


def test_what_it_says_on_standard_error_is_kept_to_its_tail(run_shell: RunShell) -> None:
    outcome = run_shell(lambda p: "for i in {1..20000}; do echo line $i >&2; done; exit 3")
    assert outcome.exit_code == 3
    assert outcome.stderr_tail.endswith("line 20000\n")
    assert len(outcome.stderr_tail) <= 16 * 1024


def test_a_killed_owner_takes_the_program_with_it(sandbox: Sandbox, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from mutoscope.engines.sandbox import *\n"
        "Sandbox(Level(sys.argv[1])).run(Job(Path('/bin/bash'), lambda p: ['-c', 'while :; do :; done # ' + sys.argv[2]],"
        " limits=Limits(cpu_s=60, wall_s=60)))"
    )
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    owner = subprocess.Popen([sys.executable, "-c", program, sandbox.level.value, mark])

    def running() -> list[int]:
        return [
            p.pid
            for p in psutil.process_iter(["cmdline", "name"])
            if p.info["name"] == "bash" and mark in str(p.info["cmdline"])
        ]

    deadline = time.monotonic() + 60
    while not running():
        assert time.monotonic() < deadline
        assert owner.poll() is None
        time.sleep(0.05)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    while running():
        assert time.monotonic() < deadline, "it outlived its owner"
        time.sleep(0.05)


@pytest.mark.bubblewrap
def test_a_family_of_processes_ends_with_the_run() -> None:
    job = Job(
        Path("/bin/bash"),
        lambda p: ["-c", "(sleep 61.25 &) ; setsid sleep 61.25 & while :; do :; done"],
        limits=Limits(wall_s=1),
        processes=True,
    )
    outcome = Sandbox(Level.BUBBLEWRAP).run(job)
    assert Limit.WALL in outcome.limits
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "61.25"]]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", "A", "a" * 70, "a b", "concat:x"])
def test_an_input_is_known_inside_by_a_harmless_name_only(name: str) -> None:
    with pytest.raises(ValueError, match=r"Job\.inputs"):
        Job(Path("/bin/true"), lambda p: [], inputs={name: Path("/dev/null")})


@pytest.mark.parametrize("field", ["cpu_s", "wall_s", "memory_bytes", "file_bytes", "open_files", "output_bytes"])
@pytest.mark.parametrize("value", [0, -1, True, float("nan"), float("inf"), 2**63, "5", None])
def test_a_limit_that_bounds_nothing_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"Limits\.{field}"):
        Limits(**{field: value})  # type: ignore[arg-type]


def test_parts_of_a_second_are_for_the_clock_only() -> None:
    assert Limits(wall_s=0.5).wall_s == 0.5
    with pytest.raises(ValueError, match=r"Limits\.cpu_s must be a finite whole number"):
        Limits(cpu_s=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["program", "inputs", "folders", "work"])
def test_what_is_not_there_is_the_same_error_at_every_level(sandbox: Sandbox, tmp_path: Path, field: str) -> None:
    missing = tmp_path / "missing"
    named = {field: {"given": missing} if field in {"inputs", "folders"} else missing}
    with pytest.raises(NotThere, match=rf"Job\.{field}: .*missing"):
        sandbox.run(Job(**{"program": Path("/bin/true"), "arguments": lambda p: [], **named}))  # type: ignore[arg-type]


def test_what_is_no_program_is_said_so(sandbox: Sandbox, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("not to be run")
    for path in (text, tmp_path):
        with pytest.raises(NotThere, match=r"Job\.program"):
            sandbox.run(Job(path, lambda p: []))
