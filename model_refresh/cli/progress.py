"""What a person sees of a refresh while it runs: one live table, or plain lines.

It goes to stderr, so stdout holds nothing but the result.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from model_refresh.cli.remarks import remark
from model_refresh.config.model import Model
from model_refresh.pipeline import steps
from model_refresh.progress import Progress, Throttled, figures, sentence
from model_refresh.records import Record

Clock = Callable[[], float]
"""Gives seconds; only their differences mean anything."""


class Watch(Protocol):
    """What hears of a refresh."""

    def tell(self, step: str, record: Record) -> None:
        """Hear that a step has ended, with its record."""

    def progress(self, progress: Progress) -> None:
        """Hear how far the step that runs is."""


@contextmanager
def watching(model: Model) -> Iterator[Watch]:
    """Show the steps of one refresh: what each took, and how far the one is that runs."""
    console = Console(stderr=True, highlight=False)
    watch = LiveTable(model) if console.is_terminal else PlainLines(model, console)
    with watch.shown(console):
        yield watch
    if not watch.has_told:
        console.print("  nothing was left to do: this refresh has promoted already")


class PlainLines:
    """A line a step, and while one runs its progress, in a line at most every five seconds."""

    def __init__(self, model: Model, console: Console, clock: Clock = time.monotonic) -> None:
        self.has_told = False
        self._model, self._console = model, console
        self._watch = _Stopwatch(clock)
        self.progress = Throttled(lambda progress: self._print(sentence(progress)), clock=clock)

    def shown(self, console: Console) -> AbstractContextManager[object]:
        """Lines need no display."""
        return nullcontext(console)

    def tell(self, step: str, record: Record) -> None:
        """Print what the step took, and what is worth saying of its record."""
        self.has_told = True
        said = remark(record, self._model.primary_metric)
        self._print(f"{step}: {self._watch.lap():.1f} s, {said}")

    def _print(self, line: str) -> None:
        self._console.print(f"  {line}", soft_wrap=True, markup=False)


class LiveTable:
    """A row a step: those that ended, the one that runs, those to come.

    While it is live no row is longer than a line, so that all of them are on the screen; in the end
    every remark is shown whole.
    """

    def __init__(self, model: Model, clock: Clock = time.monotonic) -> None:
        self._model, self._clock = model, clock
        self._names = steps(model)
        self._watch = _Stopwatch(clock)
        self._told: dict[str, tuple[float, str]] = {}
        self._heard: dict[str, tuple[float, Progress]] = {}
        self._state = "runs"
        self._is_live = True

    @property
    def has_told(self) -> bool:
        """Whether any step was told of."""
        return bool(self._told)

    @contextmanager
    def shown(self, console: Console) -> Iterator[object]:
        """Draw it anew four times a second."""
        with Live(self, console=console, refresh_per_second=4) as live:
            try:
                yield live
            except BaseException:
                self._state = "stopped"
                raise
            finally:
                self._is_live = False
            live.transient = not self._told

    def tell(self, step: str, record: Record) -> None:
        """Keep what the step took, and what is worth saying of its record."""
        for later in self._names[self._names.index(step) + 1 :]:
            self._told.pop(later, None)  # a race was lost: judged again from the comparison on
            self._heard.pop(later, None)
        self._told[step] = (self._watch.lap(), remark(record, self._model.primary_metric))

    def progress(self, progress: Progress) -> None:
        """Keep it, and when it was heard: what is left grows less from then on."""
        self._heard[self._running] = (self._clock(), progress)

    @property
    def _running(self) -> str:
        return next((name for name in self._names if name not in self._told), "")

    def __rich__(self) -> Table:
        table = Table(header_style="bold", box=None, pad_edge=False)
        table.add_column("step", no_wrap=True)
        headers = ("seconds", "trial", "best so far", "left") if self._is_live else ("seconds",)
        for header in headers:
            table.add_column(header, justify="right", no_wrap=True)
        table.add_column("")
        running = self._running
        for name in self._names:
            seconds, said, style = self._row(name, running)
            figured = (seconds, *self._figures(name))[: len(headers)]
            table.add_row(name, *figured, self._fitted(said), style=style)
        return table

    def _fitted(self, said: str) -> Text:
        """A remark that takes one line while the table is live; the column gives way to others."""
        return Text(said, no_wrap=self._is_live, overflow="ellipsis" if self._is_live else "fold")

    def _row(self, name: str, running: str) -> tuple[str, str, str]:
        """Seconds, remark and style of a step."""
        if name in self._told:
            seconds, said = self._told[name]
            return f"{seconds:.1f}", said, ""
        if name != running:
            return "", "", "dim"
        return f"{self._watch.seconds:.1f}", self._doing(name), "bold"

    def _doing(self, name: str) -> str:
        if name not in self._heard or not self._is_live:
            return self._state
        _, progress = self._heard[name]
        return f"tuning for {progress.metric}" if progress.stage == "tuning" else progress.stage

    def _figures(self, name: str) -> tuple[str, str, str]:
        """How far a step is, or how far it came."""
        if name not in self._heard:
            return "", "", ""
        heard, progress = self._heard[name]
        trial, best, left = figures(progress.after(self._clock() - heard))
        return trial, best, left if name not in self._told else ""


class _Stopwatch:
    """The seconds of one lap after the other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun = clock()

    @property
    def seconds(self) -> float:
        """Since the last lap."""
        return self._clock() - self._begun

    def lap(self) -> float:
        """The seconds since the last lap; from here they count anew."""
        seconds = self.seconds
        self._begun += seconds
        return seconds
