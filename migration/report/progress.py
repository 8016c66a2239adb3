"""How far a run is, shown while it runs: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from migration.compare.verdict import Outcome
from migration.replay.events import Event, ExchangeCompared, ExchangeLearned, RunFinished, RunStarted

_SHOWN = (Outcome.EQUAL, Outcome.ACCEPTED, Outcome.NOISE, Outcome.DIFFERENT, Outcome.ERROR)
_STYLES = {Outcome.DIFFERENT: "red", Outcome.ERROR: "yellow", Outcome.ACCEPTED: "blue", Outcome.EQUAL: "green"}


class TerminalProgress:
    """A listener and a context manager: ``with TerminalProgress(console) as progress: progress.handle(event)``.

    Where ``console`` is no terminal, a plain line is printed at most every ``seconds_between_lines``, and at the end.
    """

    def __init__(
        self, console: Console, seconds_between_lines: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._every = seconds_between_lines
        self._clock = clock
        self._began = self._printed = clock()
        self._outcomes: Counter[Outcome] = Counter()
        self._learned = 0
        self._to_learn = self._to_compare = 0
        self._task: TaskID | None = None
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[outcomes]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def handle(self, event: Event) -> None:
        """Take the next event of the run."""
        match event:
            case RunStarted():
                self._began = self._printed = self._clock()
                self._to_learn, self._to_compare = event.noise_exchanges, event.exchanges
                if event.noise_exchanges:
                    self._show("Learning noise", 0, event.noise_exchanges)
            case ExchangeLearned():
                self._learned += 1
                self._show("Learning noise", self._learned, self._to_learn)
            case ExchangeCompared():
                self._outcomes[event.verdict.outcome] += 1
                self._show("Comparing", self._outcomes.total(), self._to_compare)
            case RunFinished():
                self._show("Compared", self._outcomes.total(), self._to_compare, last=True)

    def _show(self, stage: str, done: int, total: int, last: bool = False) -> None:
        if self._console.is_terminal:
            self._advance(stage, done, total)
        elif last or self._clock() - self._printed >= self._every:
            self._printed = self._clock()
            counts = ", ".join(f"{self._outcomes[one]} {one}" for one in _SHOWN if self._outcomes[one])
            left = "" if last else self._time_left(total - done)
            self._console.print(
                f"{stage}: {done} of {total} exchanges" + (f" ({counts})" if counts else "") + left,
                soft_wrap=True,
                highlight=False,
                markup=False,
            )

    def _advance(self, stage: str, done: int, total: int) -> None:
        styled = (f"[{_STYLES.get(one, 'dim')}]{self._outcomes[one]} {one}[/]" for one in _SHOWN if self._outcomes[one])
        outcomes = " ".join(styled)
        if self._task is None or self._bar.tasks[-1].description != stage:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(stage, total=total, completed=done, outcomes=outcomes)
        else:
            self._bar.update(self._task, completed=done, outcomes=outcomes)

    def _time_left(self, left: int) -> str:
        done = self._learned + self._outcomes.total()
        if not done:
            return ""
        to_compare = left if self._outcomes else left + self._to_compare
        return f", about {(self._printed - self._began) / done * to_compare:.0f} s left"
