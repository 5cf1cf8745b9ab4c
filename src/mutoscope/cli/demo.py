"""`mutoscope demo`: films, points, sales and tips for a fresh sandbox, all by using the running site."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mutoscope.cli import state
from mutoscope.cli.board import Board
from mutoscope.cli.complaint import Complaint, SettingsComplaint
from mutoscope.cli.database import database_running
from mutoscope.cli.parent import is_supervised, stop_with_supervisor
from mutoscope.cli.service import Service
from mutoscope.web.environment import Environment, home_directory, read_environment

DEMO = "demo"
LOOK_EVERY_S = 0.5


def is_wanted(environment: Environment) -> bool:
    """Whether `up` furnishes by itself."""
    return not environment.is_production and environment.demo_films > 0


class Furnishing:
    """The row of `mutoscope up` that fills the sandbox while the site is open already. Without it nothing else is missing."""

    def __init__(self, home: Path, board: Board) -> None:
        self.home = home
        self.board = board
        self.service = Service(DEMO, [DEMO], home / "log" / "demo.log")

    def begin(self) -> None:
        """Start it, unless everything is there."""
        from mutoscope.web.demo.furnishing import is_furnished

        if is_furnished(self.home):
            self.board.ready(DEMO, "furnished")
        else:
            self.board.working(DEMO, "starting")
            self.service.start()

    def look(self) -> None:
        """Show how far it is; start it again, later and later, where it ended badly."""
        service = self.service
        if service.restart_at is not None and time.monotonic() >= service.restart_at:
            self.board.working(DEMO, "going on")
            service.start()
        if service.process is None:
            return
        code = service.exit_code()
        if code is None:
            self.board.working(DEMO, service.last_words(1) or "starting")
        elif code == 0:
            service.process = None
            self.board.ready(DEMO, service.last_words(1))
        else:
            words = service.last_words(1)
            delay_s = service.plan_restart()
            self.board.failed(DEMO, f"going on in {delay_s:.0f} s. {words}")

    def stop(self) -> None:
        """End it where it is. The next start goes on."""
        if self.service.process is not None:
            self.service.stop()
            self.board.stopped(DEMO)


def demo() -> None:
    """Furnish the sandbox that runs on this state; where none runs, run one for that long. Raises Complaint."""
    environment = read_environment()
    if environment.is_production:
        raise SettingsComplaint("the demo is play money and is refused in production. Unset MUTOSCOPE_MODE to play.")
    home = home_directory(environment)
    if is_supervised() or state.is_held(home):
        stop_with_supervisor()
        _furnish(home, environment.demo_films)
    else:
        _run_up_until_furnished(home)


def _furnish(home: Path, count: int) -> None:
    import django
    import httpx

    django.setup()
    # Its last line is what the board shows; each request is no news.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from mutoscope.web.demo.drawing import CannotDraw
    from mutoscope.web.demo.furnishing import Gave, furnish_films
    from mutoscope.web.demo.guest import SiteRefused

    try:
        with database_running():
            furnish_films(home, count, _say)
    except (Gave, CannotDraw, SiteRefused, httpx.HTTPError) as error:
        raise Complaint(
            f"the demo is not complete: {error}. Once more goes on where it ended: mutoscope demo"
        ) from None


def _run_up_until_furnished(home: Path) -> None:
    log = home / "log" / "demo.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    begin = log.stat().st_size if log.exists() else 0
    _say("starting everything for as long as it takes")
    command = [sys.executable, "-m", "mutoscope.cli", "up"]
    up = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        while not _is_done(home):
            if up.poll() is not None:
                raise Complaint(f"mutoscope up ended with {up.returncode}. Start it alone to see why: mutoscope up")
            begin = _pass_on(log, begin, _say)
            time.sleep(LOOK_EVERY_S)
        _pass_on(log, begin, _say)
    finally:
        if up.poll() is None:
            os.kill(up.pid, signal.SIGTERM)
        up.wait()
    _say("everything is stopped again; it is all there at the next: mutoscope up")


def _is_done(home: Path) -> bool:
    """By its own word, without a database of ours: `up` brings that up."""
    from mutoscope.web.demo.furnishing import DONE_FILE

    return (home / DONE_FILE).exists()


def _pass_on(log: Path, begin: int, say: Callable[[str], None]) -> int:
    """The log's whole lines from this byte on; where they end."""
    if not log.exists():
        return begin
    with log.open("rb") as opened:
        opened.seek(begin)
        whole = opened.read().rpartition(b"\n")[0]
    for line in whole.decode(errors="replace").splitlines():
        say(line)
    return begin + len(whole) + (1 if whole else 0)


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
