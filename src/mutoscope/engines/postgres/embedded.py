"""The embedded server's life: made on first use, started, watched, stopped, and recovered after any kind of end.

It listens on a Unix socket in a folder that only its owner can open, never on a port, and knows its clients by the
operating system's word for who they are (peer authentication), so there is no password to keep or to lose.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from mutoscope.engines.postgres import binaries, launch
from mutoscope.engines.postgres.account import Account, short_directory
from mutoscope.engines.postgres.errors import (
    DataFromOtherRelease,
    DiskFull,
    EmbeddedServerError,
    UnreachableForServer,
)

SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432"
# sockaddr_un holds 108 bytes with the closing zero; PostgreSQL refuses a longer path.
SOCKET_PATH_BYTES_MAX = 107
FREE_BYTES_MIN = 64 * 1024 * 1024

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0
POLL_S = 0.02

# What the server is told at each start, over what initdb wrote. Everything else keeps PostgreSQL's own default.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "idle_in_transaction_session_timeout": "300s",
}

Report = Callable[[str], None]


def silent(_: str) -> None:
    """Report nothing."""


@dataclass
class EmbeddedServer:
    """One PostgreSQL server whose files all live below `home`.

    `role` owns `database` and is no superuser. `settings` go over SETTINGS (a test turns `fsync` off, say).
    `may_create_databases` is for test runs.
    """

    home: Path
    database: str = "mutoscope"
    role: str = "mutoscope"
    settings: Mapping[str, str] = field(default_factory=dict)
    may_create_databases: bool = False
    sync_on_creation: bool = True
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _lock: int | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.home = self.home.absolute()
        self.data = self.home / "data"
        self.log = self.home / "server.log"
        self.pid_file = self.data / "postmaster.pid"

    # Where clients go

    def socket_directory(self) -> Path:
        """The folder of the server's socket: below `home`, or in a short private folder when that path is too long."""
        wanted = self.home / "socket"
        if len(os.fsencode(wanted / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
            return wanted
        return short_directory(self.home) / "socket"

    def url(self, database: str | None = None, role: str | None = None) -> str:
        """A libpq URL that reaches this server, for DATABASE_URL, psql and pg_dump."""
        socket_directory = str(self.socket_directory()).replace("%", "%25").replace("/", "%2F")
        return f"postgresql://{role or self.role}@{socket_directory}/{database or self.database}"

    def is_ready(self) -> bool:
        """Whether the server answers a query now."""
        try:
            with psycopg.connect(self.url("postgres", SUPERUSER), connect_timeout=2, autocommit=True) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def pid(self) -> int | None:
        """Process id of the server that runs on this data directory now, whoever started it; None when none does."""
        try:
            pid = int(self.pid_file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if _is_postgres(pid) else None

    # Life

    def start(self, report: Report = silent) -> None:
        """Start the server and return when it answers. Makes its files first when there are none.

        Recovers what a killed run left: a server still running is stopped first, stale files are removed, and
        PostgreSQL replays its log. Raises EmbeddedServerError with a next step in its message; nothing is lost then.
        """
        self._take_lock()
        try:
            self._refuse_full_disk()
            account = Account.for_this_process()
            self._refuse_other_release()
            if not (self.data / "PG_VERSION").exists():
                report("creating the database's files")
                self._create(account)
            self._clear_remains(report)
            self._write_access_rules(account)
            report("starting PostgreSQL")
            self._launch(account, report)
            self._ensure_database()
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop the server if this object started it: open transactions roll back, everything committed stays."""
        process, self._process = self._process, None
        try:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(timeout_s)
                except subprocess.TimeoutExpired:
                    # Immediate shutdown. The next start replays the log, which loses nothing.
                    process.send_signal(signal.SIGQUIT)
                    process.wait(timeout_s)
        finally:
            self._release_lock()

    def exit_code(self) -> int | None:
        """None while the server that this object started runs; its exit code afterwards."""
        return None if self._process is None else self._process.poll()

    @contextlib.contextmanager
    def running(self, report: Report = silent) -> Iterator[None]:
        """Use the server that runs already, or start one for the length of the block and stop it after."""
        if self.is_ready():
            yield
            return
        self.start(report)
        try:
            yield
        finally:
            self.stop()

    # Steps of start

    def _take_lock(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.home / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise EmbeddedServerError(
                f"Another process is running the database in {self.home}. Use that one, or stop it first."
            ) from None
        self._lock = handle

    def _release_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _refuse_full_disk(self) -> None:
        free = shutil.disk_usage(self.home).free
        if free < FREE_BYTES_MIN:
            raise DiskFull(
                f"Only {free // 1024 // 1024} MiB are free where {self.home} lives, and the database needs at least "
                f"{FREE_BYTES_MIN // 1024 // 1024} MiB to start safely. Free some space, or set MUTOSCOPE_HOME to a folder "
                "on another disk. Nothing was changed."
            )

    def _refuse_other_release(self) -> None:
        version_file = self.data / "PG_VERSION"
        if version_file.exists():
            found = version_file.read_text().strip()
            if found != str(binaries.major_version()):
                raise DataFromOtherRelease(self.data, found, binaries.major_version())

    def _create(self, account: Account) -> None:
        """Run initdb into a folder aside and move it into place whole, so that a killed first start leaves no half."""
        making = self.home / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        account.own(self.home)
        reach = account.reach(self.home)
        arguments = [
            reach.program("initdb"),
            f"--pgdata={reach.path(making)}",
            f"--username={SUPERUSER}",
            "--auth=peer",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ]
        if not self.sync_on_creation:
            arguments.append("--no-sync")
        done = subprocess.run(reach.command(arguments), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(making, ignore_errors=True)
            raise self._failure(
                "The database's files could not be created", done.returncode, done.stderr or done.stdout
            )
        making.rename(self.data)

    def _clear_remains(self, report: Report) -> None:
        """Deal with what a previous run left on this data directory. We hold the lock, so no run of ours is alive."""
        pid = self.pid()
        if pid is not None:
            report("stopping the server that the last run left behind")
            for stop_signal in (signal.SIGINT, signal.SIGQUIT):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, stop_signal)
                if _wait(lambda: self.pid() is None, STOP_TIMEOUT_S / 2):
                    break
            else:
                raise EmbeddedServerError(
                    f"A PostgreSQL server (process {pid}) from an earlier run does not stop. Stop it by hand: kill {pid}"
                )
        # A process id that now belongs to some other program would make PostgreSQL refuse to start.
        self.pid_file.unlink(missing_ok=True)

    def _write_access_rules(self, account: Account) -> None:
        known = sorted({getpass.getuser(), "root", account.name})
        rules = {
            "pg_hba.conf": "local all all peer map=mutoscope\n",
            "pg_ident.conf": "".join(f'mutoscope "{name}" all\n' for name in known),
        }
        for name, content in rules.items():
            (self.data / name).write_text(content)
        socket_directory = self.socket_directory()
        socket_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        socket_directory.chmod(0o700)
        account.own(socket_directory)
        account.own(self.data)

    def _launch(self, account: Account, report: Report) -> None:
        reach = account.reach(self.home)
        arguments = [reach.program("postgres"), "-D", reach.path(self.data)]
        settings = {
            **SETTINGS,
            "unix_socket_directories": reach.path(self.socket_directory()),
            **self.settings,
        }
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            began_at = log.tell()
            self._process = subprocess.Popen(
                reach.command(arguments, stop_with_parent=True), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        recovering = False
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (self._says_ready() and self.is_ready()):
            code = self._process.poll()
            if code is not None:
                raise self._failure("PostgreSQL did not start", code, self._log_since(began_at))
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"PostgreSQL is not ready after {START_TIMEOUT_S:.0f} s. It may still be recovering: read {self.log}"
                )
            if not recovering and "automatic recovery in progress" in self._log_since(began_at):
                recovering = True
                report("recovering from the last crash")
            time.sleep(POLL_S)

    def _says_ready(self) -> bool:
        """PostgreSQL writes its state into the eighth line of postmaster.pid: a look that costs no connection."""
        try:
            return self.pid_file.read_text().splitlines()[7].strip() == "ready"
        except (OSError, IndexError):
            return False

    def _ensure_database(self) -> None:
        with psycopg.connect(self.url("postgres", SUPERUSER), autocommit=True) as connection:
            role = sql.Identifier(self.role)
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [self.role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            rights = sql.SQL("CREATEDB" if self.may_create_databases else "NOCREATEDB")
            connection.execute(sql.SQL("ALTER ROLE {} {}").format(role, rights))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(self.database), role))

    def _log_since(self, position: int) -> str:
        with self.log.open("rb") as log:
            log.seek(position)
            return log.read(64 * 1024).decode(errors="replace")

    def _failure(self, what: str, code: int, output: str) -> EmbeddedServerError:
        """Turn a program's end into the sentence a person needs."""
        if code == launch.EXIT_NO_NAMESPACE:
            return UnreachableForServer(
                f"Started by root, PostgreSQL runs as another user, and that user cannot reach {self.home}. "
                "Put the project where everyone may look (for example /srv/mutoscope), or set MUTOSCOPE_HOME to such a "
                f"folder, or start as an ordinary user. ({output.strip()})"
            )
        if "No space left on device" in output:
            return DiskFull(
                f"{what}: the disk is full. Free some space below {self.home} and start again; nothing is lost."
            )
        tail = "\n".join(output.strip().splitlines()[-8:])
        return EmbeddedServerError(f"{what} (exit code {code}):\n{tail}\nThe whole log: {self.log}")


def _is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except OSError:
        return False


def _wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(POLL_S)
    return condition()
