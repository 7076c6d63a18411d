"""A progress bar with rate and remaining time; shown on a terminal only."""

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
from rich.text import Text


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
            TextColumn("{task.description}"),
            BarColumn(),
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
        self._progress.stop()

    def begin(self, phase: str, size: int | None) -> None:
        """Start a phase of `size` steps; None if the number is not known."""
        if self._shown:
            self._task = self._progress.add_task(phase, total=size)

    def step(self, steps: int = 1) -> None:
        """Advance the bar by a number of steps."""
        if self._task is not None:
            self._progress.advance(self._task, steps)
