"""`mutoscope up`: everything on this machine, started in order, shown on one board, stopped in reverse order."""

from __future__ import annotations

import contextlib
import http.client
import io
import signal
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.console import RenderableType
from rich.text import Text

from mutoscope import __version__
from mutoscope.cli import state
from mutoscope.cli.asides import clear_asides
from mutoscope.cli.board import Board
from mutoscope.cli.complaint import Complaint, database_away, explain
from mutoscope.cli.demo import DEMO, Furnishing, is_wanted
from mutoscope.cli.ports import refuse_taken_port
from mutoscope.cli.safety import refuse_unsafe_settings
from mutoscope.cli.service import Service
from mutoscope.cli.signer import fill_play_accounts, prepare_play
from mutoscope.cli.tables import look_at_tables
from mutoscope.cli.variables import unread_variables
from mutoscope.web.environment import Environment, home_directory, read_environment

if TYPE_CHECKING:
    from mutoscope.engines.postgres.embedded import EmbeddedServer
    from mutoscope.web.demo.people import SignIn

DATABASE, TABLES, PAGES, CHAIN, WEB, WORKER = "database", "tables", "pages", "chain", "web", "worker"
SIGNER, WATCHER = "signer", "watcher"

LOOPBACK = "127.0.0.1"
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened at
READY_TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.2


class _Stop(BaseException):
    """Somebody asked us to stop: Ctrl-C, SIGTERM, or a closed terminal."""


def up() -> int:
    """Run until stopped. Returns the exit code. Raises Complaint where it cannot start."""
    environment = read_environment()
    home = home_directory(environment)
    _read_settings()
    with state.hold(home, environment.site_url):
        state.refuse_newer_release(home)
        clear_asides(home)
        refuse_taken_port(environment.host, environment.port, "MUTOSCOPE_PORT", "make up")
        if not environment.is_production:
            refuse_taken_port(LOOPBACK, environment.chain_port, "MUTOSCOPE_CHAIN_PORT", "make up")
        _catch_stop_signals()
        board = Board(f"mutoscope {__version__}", _rows(environment))
        with board:
            house = _House(environment, home, board)
            try:
                house.open()
                house.keep()
            except _Stop:
                return 0
            except Exception as error:
                complaint = explain(error)
                if complaint is None:
                    raise
                board.failed(house.doing, str(complaint).splitlines()[0])
                raise
            finally:
                _ignore_stop_signals()
                house.close()
    return 0


def _rows(environment: Environment) -> list[str]:
    """What the board shows, in the order of starting. Real money needs no sandbox chain, and a signer with a user of its own."""
    chain, signer = ([], []) if environment.is_production else ([CHAIN], [SIGNER])
    watcher = [WATCHER] if _takes_payments(environment) else []
    demo = [DEMO] if is_wanted(environment) else []
    return [DATABASE, TABLES, PAGES, *chain, WEB, WORKER, *watcher, *signer, *demo]


def _takes_payments(environment: Environment) -> bool:
    """Whether there is a chain to watch: always in the sandbox, else where nodes are named."""
    return bool(environment.rpc_urls) or not environment.is_production


def _read_settings() -> None:
    """Django's settings, which refuse what is wrong in them: said before anything is begun."""
    from django.conf import settings

    assert settings.INSTALLED_APPS


class _House:
    """The running parts, in the order they depend on each other."""

    def __init__(self, environment: Environment, home: Path, board: Board) -> None:
        self.environment = environment
        self.home = home
        self.board = board
        self.doing = DATABASE
        self.server: EmbeddedServer | None = None
        self.services: list[Service] = []
        self.sign_ins: list[SignIn] = []
        # Of a part that is not ready: what its own look at it said last.
        self.waits_for: dict[str, str] = {}
        self.demo = Furnishing(home, board) if is_wanted(environment) else None

    def open(self) -> None:
        """Start everything. Returns when the site answers."""
        if not self.environment.is_production:
            # Needs nothing of the others, and is up by the time that they need it.
            self._begin(Service(CHAIN, ["chain"], self.home / "log" / "chain.log"))
        with self._step(DATABASE, "starting"):
            detail = self._start_database()
        self.board.ready(DATABASE, detail)
        with self._step(TABLES, "looking for changes"):
            detail = self._migrate()
        self.board.ready(TABLES, detail)
        with self._step(PAGES, "collecting styles and scripts"):
            self._collect_static()
        self.board.ready(PAGES, "styles and scripts in place")
        state.record_release(self.home)
        if not self.environment.is_production:
            self._furnish()
            prepare_play()
        for service in self._services():
            self._begin(service)
        self._await_all()
        if self.demo is not None:
            self.demo.begin()
        self.board.open_for_business(self._notes())

    def keep(self) -> None:
        """Watch the parts and start again what ends by itself. Returns never; a stop signal raises."""
        while True:
            time.sleep(LOOK_EVERY_S)
            if self.server is not None and self.server.exit_code() is not None:
                self.board.failed(DATABASE, "ended by itself; starting it again")
                self.server.stop()
                self.server.start(lambda detail: self.board.working(DATABASE, detail))
                self.board.ready(DATABASE, "recovered")
            for service in self.services:
                self._look_after(service)
            if self.demo is not None:
                self.demo.look()

    def close(self) -> None:
        """Stop everything in reverse order. What was committed stays."""
        if self.demo is not None:
            self.demo.stop()
        for service in reversed(self.services):
            self.board.working(service.name, "finishing what it is doing")
            service.stop()
            self.board.stopped(service.name)
        if self.server is not None:
            self.board.working(DATABASE, "writing a checkpoint")
            self.server.stop()
            self.board.stopped(DATABASE)

    # Steps of open

    @contextlib.contextmanager
    def _step(self, name: str, detail: str) -> Iterator[None]:
        self.doing = name
        self.board.working(name, detail)
        yield

    def _start_database(self) -> str:
        import django
        from django.conf import settings

        if settings.EMBEDDED_SERVER is not None:
            server: EmbeddedServer = settings.EMBEDDED_SERVER
            server.start(lambda detail: self.board.working(DATABASE, detail))
            self.server = server
        django.setup()
        from django.db import OperationalError, connections

        connection = connections["direct"]
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise database_away(error) from None
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (version,) = cursor.fetchone()
        return f"PostgreSQL {version}, {'embedded' if self.server else 'by DATABASE_URL'}"

    def _migrate(self) -> str:
        from django.core.management import call_command

        pending = len(look_at_tables().missing)
        refuse_unsafe_settings(self.environment)
        if not pending:
            return "up to date"
        call_command(
            "migrate",
            skip_checks=True,
            interactive=False,
            verbosity=1,
            stdout=_Progress(self._count_migrations(pending)),
        )
        return f"{pending} changes applied"

    def _count_migrations(self, total: int) -> Callable[[str], None]:
        applied = 0

        def show(line: str) -> None:
            nonlocal applied
            if "Applying " in line:
                applied += 1
                name = line.split("Applying ")[1].split("...")[0]
                self.board.working(TABLES, f"{applied} of {total}: {name}")

        return show

    def _collect_static(self) -> None:
        from django.core.management import call_command

        call_command("collectstatic", interactive=False, verbosity=0)

    def _furnish(self) -> None:
        from mutoscope.web.demo.people import furnish

        self.sign_ins = furnish()

    def _services(self) -> Iterator[Service]:
        log = self.home / "log"
        yield Service(WEB, ["web"], log / "web.log", self._web_answers)
        yield Service(WORKER, ["worker"], log / "worker.log")
        if _takes_payments(self.environment):
            yield Service(WATCHER, ["watcher"], log / "watcher.log")
        if not self.environment.is_production:
            yield Service(SIGNER, ["signer"], log / "signer.log", self._signer_has_money)

    def _begin(self, service: Service) -> None:
        self.doing = service.name
        self.board.working(service.name, "starting")
        self.services.append(service)
        service.start()

    def _await_all(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        coming = list(self.services)
        while coming:
            for service in list(coming):
                self.doing = service.name
                if service.is_ready():
                    coming.remove(service)
                    self.board.ready(service.name, self._where(service))
                elif service.exit_code() is not None:
                    raise Complaint(
                        f"the {service.name} process ended with exit code {service.exit_code()}. Its last words:\n"
                        f"{service.last_words(8)}\nThe whole log: {service.log}"
                    )
                elif time.monotonic() > deadline:
                    why = self.waits_for.get(service.name, "it did not say that it is")
                    raise Complaint(
                        f"the {service.name} process is not ready after {READY_TIMEOUT_S:.0f} s: {why}. Its log: {service.log}"
                    )
            time.sleep(0.02)

    def _where(self, service: Service) -> str:
        where = {
            WEB: self.environment.site_url,
            CHAIN: self.environment.chain_url,
            SIGNER: "holds the keys",
            WATCHER: "watching for payments",
        }
        return where.get(service.name, "taking tasks")

    def _web_answers(self) -> bool:
        """Asked as the proxy asks: by the site's own name. Nothing is followed, so nothing leaves this machine."""
        listens_at = self.environment.host
        host = LOOPBACK if listens_at in EVERY_ADDRESS else listens_at
        connection = http.client.HTTPConnection(host, self.environment.port, timeout=2)
        try:
            connection.request("GET", "/livez", headers={"Host": urlsplit(self.environment.site_url).netloc})
            status = connection.getresponse().status
        except (http.client.HTTPException, OSError) as error:
            self.waits_for[WEB] = f"it does not answer at {host}:{self.environment.port}: {error}"
            return False
        finally:
            connection.close()
        self.waits_for[WEB] = f"it answers /livez with {status}"
        return status == HTTPStatus.OK

    def _signer_has_money(self) -> bool:
        from mutoscope.engines.solana.signer.vault import VaultRefused

        try:
            fill_play_accounts()
        except Complaint as complaint:
            # The chain is on its way up.
            self.waits_for[SIGNER] = str(complaint)
            return False
        except VaultRefused as refused:
            # Its key is not this sandbox's, or not a secret. The site goes on without it.
            self.waits_for[SIGNER] = str(refused)
            self.board.working(SIGNER, str(refused))
            return False
        return True

    # Steps of keep

    def _look_after(self, service: Service) -> None:
        if service.restart_at is not None:
            if time.monotonic() >= service.restart_at:
                self.board.working(service.name, "starting again")
                service.start()
            return
        code = service.exit_code()
        if code is not None:
            delay_s = service.plan_restart()
            reason = service.last_words(1)
            self.board.failed(service.name, f"ended ({code}); starting again in {delay_s:.0f} s. {reason}")
        elif self.board.is_working(service.name) and service.is_ready():
            self.board.ready(service.name, self._where(service))

    def _notes(self) -> RenderableType:
        notes = Text("\n  Open ")
        notes.append(self.environment.site_url, style="bold yellow underline")
        notes.append("\n")
        if not self.environment.is_production and self.environment.mail_url is None:
            notes.append(f"  Mail that the site sends: {self.environment.site_url}/outbox/\n")
        if not self.environment.is_production:
            notes.append(f"  Play money, and a wallet to pay with: {self.environment.chain_url}/\n")
        if self.sign_ins:
            names = ", ".join(sign_in.username for sign_in in self.sign_ins)
            notes.append(f"  Sign in as {names}; the password of all three: ")
            notes.append(f"{self.sign_ins[0].password}\n", style="bold")
        if self.environment.is_production and _takes_payments(self.environment) and _lacks_signer():
            notes.append("  No signer has run yet, so nothing can be paid: see docs/keys.md\n", style="yellow")
        for variable in unread_variables():
            notes.append(f"  Nothing reads {variable}: see docs/settings.md\n", style="yellow")
        notes.append(f"  Logs: {_short(self.home / 'log')}    Ctrl-C stops everything.\n", style="dim")
        return notes


class _Progress(io.TextIOBase):
    """A text stream that hands each line to `show`."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.show = show

    def write(self, text: str) -> int:
        for line in text.splitlines():
            self.show(line)
        return len(text)


def _lacks_signer() -> bool:
    """Whether the one process that holds keys, which has a user and a service of its own, never gave a sign of life."""
    from mutoscope.engines.solana.signer.findings import findings

    return any(finding.name == "signer_never_ran" for finding in findings())


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _catch_stop_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        # Only the first counts: everything after it is already stopping.
        _ignore_stop_signals()
        raise _Stop

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, stop)


def _ignore_stop_signals() -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
