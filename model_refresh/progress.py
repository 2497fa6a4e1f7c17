"""How far a candidate is: said by the child process that fits it, heard by who watches a refresh.

Progress is for people's eyes. It is no record of the refresh: some of it may be lost, and nothing
depends on it.
"""

import math
import time
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from model_refresh.messages import tell_parent
from model_refresh.records import Record

_LONGEST_SECONDS = 999_999.0


def _known(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None


def _span(seconds: float) -> float:
    return min(max(0.0, seconds), _LONGEST_SECONDS)


class Progress(Record):
    """How far the tuning and fitting of one candidate is."""

    candidate: str = Field(max_length=100)
    stage: Literal["tuning", "fitting"] = Field("tuning", description="fitting: tuning is over")
    trial: int = Field(ge=0, le=10**6, description="the one that runs, from 1; 0: without trials")
    trials: int = Field(ge=0, le=10**6, description="how many there will be at most")
    best: Annotated[float | None, AfterValidator(_known)] = Field(
        None, description="the lowest validation loss so far; None, as what is not finite: none yet"
    )
    metric: str = Field(max_length=100, description="the loss that is tuned for")
    seconds_left: Annotated[float, AfterValidator(_span)] = Field(
        description="until no trial starts any more; never below 0"
    )

    def after(self, seconds: float) -> "Progress":
        """The same, heard so many seconds ago."""
        return self.model_copy(update={"seconds_left": _span(self.seconds_left - seconds)})


Tell = Callable[[Progress], None]
"""Hears of progress. It must be quick: a fit's deadline waits for it."""


def silent(progress: Progress) -> None:
    """Tell nobody."""


def to_parent(progress: Progress) -> None:
    """Tell the process that runs this one by `run_isolated`; nobody, where there is none."""
    tell_parent(progress.canonical())


def reader(tell: Tell) -> Callable[[str], None]:
    """What turns the lines of one child's `to_parent` into progress; it passes over other lines.

    Fitting that is told of without figures keeps those with which tuning ended.
    """
    tuned: Progress | None = None

    def read(line: str) -> None:
        nonlocal tuned
        try:
            progress = Progress.parse(line)
        except ValidationError:
            return
        if progress.stage == "tuning":
            tuned = progress
        elif not progress.trial and tuned is not None:
            progress = tuned.model_copy(update={"stage": "fitting", "seconds_left": 0.0})
        tell(progress)

    return read


def sentence(progress: Progress) -> str:
    """Progress as a line: `tuning lightgbm: trial 7 of 20, best log_loss 0.32154, 41 s left`."""
    trial, best, left = figures(progress)
    said = [
        f"trial {trial}" if trial else "",
        f"best {progress.metric} {best}" if best else "",
        f"{left} left" if left else "",
    ]
    begun = f"{progress.stage} {progress.candidate}"
    return ": ".join(filter(None, [begun, ", ".join(filter(None, said))]))


def figures(progress: Progress) -> tuple[str, str, str]:
    """Trial, best so far, and what is left of tuning: `7 of 20`, `0.32154`, `41 s`; or nothing."""
    return (
        f"{progress.trial} of {progress.trials}" if progress.trial else "",
        f"{progress.best:.5g}" if progress.best is not None else "",
        f"{progress.seconds_left:.0f} s" if progress.stage == "tuning" else "",
    )


class Throttled:
    """Passes progress on: the first at once, then never more often than once in `seconds`.

    What comes too early is held back, and lost where newer comes before its time.
    """

    def __init__(
        self, tell: Tell, *, seconds: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell, self._seconds, self._clock = tell, seconds, clock
        self._due = -math.inf
        self._held: tuple[Progress, float] | None = None

    def __call__(self, progress: Progress) -> None:
        """Pass it on, or hold it back."""
        self._held = (progress, self._clock())
        self.catch_up()

    def catch_up(self) -> None:
        """Pass on what was held back, where its time has come. Called when a candidate ends."""
        now = self._clock()
        if self._held is None or now < self._due:
            return
        progress, heard = self._held
        self._held, self._due = None, now + self._seconds
        self._tell(progress.after(now - heard))
