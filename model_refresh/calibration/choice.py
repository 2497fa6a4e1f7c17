"""Which method of calibration is worth having, by what it does on later rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from model_refresh.calibration.protocol import Calibrator, Floats, Pairs, RowLosses
from model_refresh.records import Record, Task

Fold = tuple[Floats, Floats]
"""Predictions and outcomes of validation rows, each of shape (rows,)."""

Fitting = Callable[[Pairs], Calibrator]


class Tried(Record):
    """A method against none: the drop of a row's mean loss; positive is better."""

    method: str
    gain: float
    standard_error: float

    @property
    def is_clear(self) -> bool:
        """Whether it gains more than the standard error; never where either is nan."""
        return self.gain > self.standard_error


class Choice(Record):
    """The method to use, with its gain over none (0 for none itself)."""

    method: str
    gain: float
    standard_error: float
    sentence: str
    tried: tuple[Tried, ...] = Field((), description="every method but none, simple ones first")


def choose(
    folds: Sequence[Fold], *, task: Task, loss: RowLosses, rivals: Mapping[str, Fitting]
) -> Choice:
    """The rival that gains most on rows later than it learned from, if clearly; else none.

    See `choose_method` for how it is judged. Raises FitError for values that can't be used.
    """
    if not rivals:
        return _none(f"a {task} task has no calibration to choose from")
    contests = _Contests.of(folds, task)
    if not contests.pairs:
        return _none(contests.lack or "there are no validation rows to choose by")
    tried = tuple(contests.judged(name, fit, loss) for name, fit in rivals.items())
    clear = [each for each in tried if each.is_clear]
    if not clear:
        return _none(f"{contests.told} {_list(tried)}: none is clearly better", tried)
    best = max(clear, key=lambda each: each.gain)
    return Choice(
        method=best.method,
        gain=best.gain,
        standard_error=best.standard_error,
        sentence=f"{contests.told} {_list(tried)}: {best.method} gains most",
        tried=tried,
    )


@dataclass(frozen=True)
class _Contests:
    """Rows to fit on, each with later rows to judge on; `lack` says why there are none."""

    pairs: tuple[tuple[Pairs, Pairs], ...]
    lack: str | None

    @classmethod
    def of(cls, folds: Sequence[Fold], task: Task) -> "_Contests":
        known = [Pairs.of(*fold, task=task, weight=None) for fold in folds]
        splits = list(_halves(known[0]) if len(known) == 1 else _expanding(known))
        lacks = [learned.lack for learned, _ in splits if learned.lack is not None]
        enough = tuple(split for split in splits if split[0].lack is None and len(split[1].target))
        return cls(enough, lacks[-1] if lacks else None)

    @property
    def told(self) -> str:
        rows = sum(len(later.target) for _, later in self.pairs)
        return f"on {rows} rows not fitted on, a row's mean loss falls by"

    def judged(self, name: str, fit: Fitting, loss: RowLosses) -> Tried:
        drops = [_drop(fit(learned), later, loss) for learned, later in self.pairs]
        error = float(np.sqrt(sum(_variance_of_mean(drop) for drop in drops))) / len(drops)
        gain = float(np.mean([drop.mean() for drop in drops]))
        return Tried(method=name, gain=gain, standard_error=error)


def _expanding(known: Sequence[Pairs]) -> Iterator[tuple[Pairs, Pairs]]:
    """All folds before, and the fold."""
    for place in range(1, len(known)):
        before = known[:place]
        predicted = np.concatenate([each.predicted for each in before])
        target = np.concatenate([each.target for each in before])
        yield _plain(predicted, target, known[0].task), known[place]


def _halves(fold: Pairs) -> Iterator[tuple[Pairs, Pairs]]:
    """Every other row, and the rest; then the other way round."""
    even, odd = (
        _plain(fold.predicted[first::2], fold.target[first::2], fold.task) for first in (0, 1)
    )
    yield even, odd
    yield odd, even


def _plain(predicted: Floats, target: Floats, task: Task) -> Pairs:
    return Pairs(predicted, target, np.ones_like(target), task)


def _drop(calibrator: Calibrator, later: Pairs, loss: RowLosses) -> Floats:
    """By how much each row's loss is lower than without calibration."""
    return loss(later.target, later.predicted) - loss(
        later.target, calibrator.apply(later.predicted)
    )


def _variance_of_mean(values: Floats) -> float:
    """nan for a single value: its error is not known."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else float("nan")


def _none(sentence: str, tried: tuple[Tried, ...] = ()) -> Choice:
    return Choice(method="none", gain=0.0, standard_error=0.0, sentence=sentence, tried=tried)


def _list(tried: Sequence[Tried]) -> str:
    return ", ".join(
        f"{each.gain:.2g} with {each.method} (standard error {each.standard_error:.2g})"
        for each in tried
    )
