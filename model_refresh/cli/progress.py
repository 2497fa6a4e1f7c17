"""What a person sees of a refresh while it runs: one live table, or a line a step.

It goes to stderr, so stdout holds nothing but the result.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from model_refresh.cli.remarks import remark
from model_refresh.config.model import Model
from model_refresh.pipeline import steps
from model_refresh.records import Record

Tell = Callable[[str, Record], None]
"""Hears of each step as it ends, with its record."""


@contextmanager
def watching(model: Model) -> Iterator[Tell]:
    """Show the steps of one refresh, with the seconds of each, as they end."""
    console = Console(stderr=True, highlight=False)
    watch = _LiveTable(model) if console.is_terminal else _Lines(model, console)
    with watch.shown(console):
        yield watch.tell
    if not watch.has_told:
        console.print("  nothing was left to do: this refresh has promoted already")


class _Lines:
    """A plain line a step."""

    def __init__(self, model: Model, console: Console) -> None:
        self.has_told = False
        self._model, self._console = model, console
        self._watch = _Stopwatch()

    def shown(self, console: Console) -> AbstractContextManager[object]:
        """Lines need no display."""
        return nullcontext(console)

    def tell(self, step: str, record: Record) -> None:
        """Print what the step took, and what is worth saying of its record."""
        self.has_told = True
        line = f"  {step}: {self._watch.lap():.1f} s, {remark(record, self._model.primary_metric)}"
        self._console.print(line, soft_wrap=True, markup=False)


class _LiveTable:
    """A row a step: those that ended, the one that runs, those to come."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._names = steps(model)
        self._watch = _Stopwatch()
        self._told: dict[str, tuple[float, str]] = {}
        self._state = "runs"

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
            live.transient = not self._told

    def tell(self, step: str, record: Record) -> None:
        """Keep what the step took, and what is worth saying of its record."""
        for later in self._names[self._names.index(step) :]:
            self._told.pop(later, None)  # a race was lost: judged again from the comparison on
        self._told[step] = (self._watch.lap(), remark(record, self._model.primary_metric))

    def __rich__(self) -> Table:
        table = Table("step", "seconds", "", header_style="bold", box=None, pad_edge=False)
        table.columns[1].justify = "right"
        running = next((name for name in self._names if name not in self._told), None)
        for name in self._names:
            if name in self._told:
                seconds, told = self._told[name]
                table.add_row(name, f"{seconds:.1f}", escape(told))
            elif name == running:
                table.add_row(name, f"{self._watch.seconds:.1f}", self._state, style="bold")
            else:
                table.add_row(name, "", "", style="dim")
        return table


class _Stopwatch:
    """The seconds of one lap after the other."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the last lap."""
        return time.monotonic() - self._begun

    def lap(self) -> float:
        """The seconds since the last lap; from here they count anew."""
        seconds = self.seconds
        self._begun += seconds
        return seconds
