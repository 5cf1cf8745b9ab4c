"""What `mutoscope up` shows: one line for each thing it starts, live in a terminal, line by line in a log file."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text


class State(Enum):
    WAITING = "waiting"
    WORKING = "working"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


SYMBOLS = {
    State.WAITING: Text("·", style="dim"),
    State.READY: Text("●", style="green"),
    State.FAILED: Text("▲", style="red"),
    State.STOPPED: Text("○", style="dim"),
}


@dataclass
class Row:
    state: State = State.WAITING
    detail: str = ""
    began_at: float = 0.0
    took_s: float | None = None


class Board:
    """The status board. Use as a context manager; outside it nothing is drawn."""

    def __init__(self, title: str, names: list[str], console: Console | None = None) -> None:
        self.title = title
        self.console = console or Console(file=sys.stdout, highlight=False)
        self.rows = {name: Row() for name in names}
        self.notes: RenderableType | None = None
        self._live: Live | None = None
        self._spinner = Spinner("dots", style="yellow")

    def __enter__(self) -> Board:
        if self.console.is_terminal:
            self._live = Live(get_renderable=self._render, console=self.console, refresh_per_second=8, transient=False)
            self._live.start()
        else:
            self.console.print(self.title)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def working(self, name: str, detail: str) -> None:
        """Something has begun or moved on. The clock of its row starts with the first such call."""
        row = self.rows[name]
        if row.state is not State.WORKING:
            row.began_at = time.monotonic()
            row.took_s = None
        self._show(name, State.WORKING, detail)

    def ready(self, name: str, detail: str = "") -> None:
        """Something is up."""
        row = self.rows[name]
        if row.state is State.WORKING:
            row.took_s = time.monotonic() - row.began_at
        self._show(name, State.READY, detail)

    def failed(self, name: str, detail: str) -> None:
        """Something is down, and the detail says what happens next."""
        self._show(name, State.FAILED, detail)

    def stopped(self, name: str) -> None:
        """Something was stopped in order."""
        self._show(name, State.STOPPED, "stopped")

    def is_working(self, name: str) -> bool:
        """Whether something is on its way up."""
        return self.rows[name].state is State.WORKING

    def open_for_business(self, notes: RenderableType) -> None:
        """Everything is up: show where to go."""
        self.notes = notes
        if self._live is None:
            self.console.print(notes, soft_wrap=True)
        else:
            self._live.refresh()

    def _show(self, name: str, state: State, detail: str) -> None:
        row = self.rows[name]
        changed = (row.state, row.detail) != (state, detail)
        row.state, row.detail = state, detail
        if self._live is not None:
            self._live.refresh()
        elif changed:
            took = "" if row.took_s is None or state is not State.READY else f" ({row.took_s:.1f} s)"
            self.console.print(f"  {name:<10} {state.value:<8} {detail}{took}", soft_wrap=True)

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=1)
        table.add_column(min_width=10)
        table.add_column(ratio=1)
        table.add_column(justify="right", style="dim")
        for name, row in self.rows.items():
            symbol = self._spinner if row.state is State.WORKING else SYMBOLS[row.state]
            if row.state is State.WORKING:
                clock = f"{time.monotonic() - row.began_at:.0f} s"
            else:
                clock = "" if row.took_s is None else f"{row.took_s:.1f} s"
            detail = Text(row.detail, style="red" if row.state is State.FAILED else "dim", overflow="fold")
            table.add_row(symbol, name, detail, clock)
        board = Panel(table, title=self.title, title_align="left", border_style="yellow", padding=(1, 2), width=80)
        return board if self.notes is None else Group(board, self.notes)
