"""A progress bar with rate and remaining time; one live line, shown on a terminal only."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

# Columns of the bar: with the numbers next to it, the line fits into 80 columns.
_BAR_WIDTH = 16


class _Rate(ProgressColumn):
    """A column with the steps per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s", style="dim")


class Bar:
    """A progress bar on standard error, for one phase after the other.

    `shown` forces the bar on or off; None shows it if standard error is a terminal. `quiet`
    hides it in any case.
    """

    def __init__(self, *, shown: bool | None, quiet: bool = False) -> None:
        self._shown = (sys.stderr.isatty() if shown is None else shown) and not quiet
        self._task: TaskID | None = None
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=_BAR_WIDTH),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not self._shown,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._fill_unknown()
        self._progress.stop()

    def _fill_unknown(self) -> None:
        """Give a phase that ends the total that it turned out to have."""
        for task in self._progress.tasks:
            if task.total is None:
                self._progress.update(task.id, total=task.completed)

    def begin(self, phase: str, size: int | None) -> None:
        """Start a phase of `size` steps; None if the number is not known."""
        if not self._shown:
            return
        # One line for all phases: the screen keeps the last of them.
        if self._task is None:
            self._task = self._progress.add_task(phase, total=size)
        else:
            self._progress.reset(self._task, total=size, description=phase)
            # `reset` takes None for "as before".
            self._progress.tasks[0].total = size

    def step(self, steps: int = 1) -> None:
        """Advance the bar by a number of steps."""
        if self._task is not None:
            self._progress.advance(self._task, steps)
