"""The two batches of a trial, and whether their keys and values can be scores at all."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.config.production import ShiftLimits
from model_refresh.records import CheckResult, Task
from model_refresh.serving.chances import not_one_in_all, outside

Floats = NDArray[np.float64]

_FEWEST = 0.1
"""Share of the distinct scores on the holdout that a batch has at least."""


@dataclass(frozen=True)
class Ground:
    """The holdout: its labels, and what the trial twins of both models predicted of it.

    Predictions have shape (rows,) or (rows, classes); labels are 0 and 1, a value, or the place of
    a class. `old` is None where there is no incumbent. `old_now` is what the same trial twin
    predicts of the current frame: one and the same model on both tells how the population moved.
    """

    target: Floats
    old: Floats | None
    new: Floats
    old_now: Floats | None = None


@dataclass(frozen=True)
class Batches:
    """One frame scored by both: tables of the key and the score columns, which are `columns`."""

    task: Task
    key: tuple[str, ...]
    columns: tuple[str, ...]
    challenger: pl.DataFrame
    incumbent: pl.DataFrame | None

    def new(self) -> Floats:
        """The challenger's scores, shape (rows,) or (rows, classes)."""
        return _values(self.challenger, self.columns)

    def paired(self) -> tuple[Floats, Floats] | None:
        """Old and new scores of the rows that both have; None where there are none."""
        if self.incumbent is None:
            return None
        new = {name: f"new:{name}" for name in self.columns}
        key = list(self.key)
        both = self.incumbent.join(
            self.challenger.rename(new), on=key, how="inner", maintain_order="left"
        )
        if both.is_empty():
            return None
        return _values(both, self.columns), _values(both, tuple(new.values()))


def soundness(batches: Batches, ground: Ground, limits: ShiftLimits) -> Iterator[CheckResult]:
    """Keys, nulls, range and variety; where the first three fail nothing else can be said."""
    yield from _keys(batches, limits)
    nulls = sum(batches.challenger[name].null_count() for name in batches.columns)
    yield answer(
        "no_null",
        nulls == 0,
        f"{nulls} scores of {batches.challenger.height} rows are null (none may be): a join in "
        "features.sql, or the encoding, lost them",
        well=f"none of {batches.challenger.height} rows is without a score",
    )
    if nulls == 0:
        yield _range(batches)
        yield from _variety(batches, ground, limits)


def answer(name: str, passes: bool, sentence: str, *, well: str) -> CheckResult:
    """A check's result: `sentence` where it fails, `well` where it passes."""
    outcome = "passed" if passes else "failed"
    return CheckResult.model_validate(
        {"name": name, "outcome": outcome, "sentence": well if passes else sentence}
    )


def _keys(batches: Batches, limits: ShiftLimits) -> Iterator[CheckResult]:
    new, key = batches.challenger.select(batches.key), list(batches.key)
    repeated = new.height - new.unique().height
    yield answer(
        "unique_keys",
        repeated == 0 and new.height > 0,
        f"{repeated} of {new.height} rows repeat a key: a row a key is scored, so a join in "
        "features.sql multiplies rows",
        well=f"{new.height} rows, each key once",
    )
    if batches.incumbent is None or limits.other_keys is None:
        return
    old = batches.incumbent.select(key)
    lost = old.join(new, on=key, how="anti").height
    added = new.join(old, on=key, how="anti").height
    share = (lost + added) / max(old.height + added, 1)
    told = f"of the incumbent's {old.height} keys the challenger lacks {lost}, and adds {added}"
    yield answer(
        "same_keys",
        share <= limits.other_keys,
        f"{told}: {share:.2%} differ, at most {limits.other_keys:.2%} may; where who is scored was "
        "changed on purpose, declare scores.shift.other_keys",
        well=told,
    )


def _range(batches: Batches) -> CheckResult:
    scores = batches.new()
    finite = np.isfinite(scores)
    bad, want = int((~finite).sum()), "finite numbers"
    if batches.task != "regression":
        want = "chances from 0 to 1"
        bad += int(outside(scores).sum())
    if batches.task == "multiclass" and bad == 0:
        want = "chances that sum to 1 over the classes"
        bad = int(not_one_in_all(scores).sum())
    return answer(
        "range",
        bad == 0,
        f"{bad} scores are no {want}: the version's link or calibrator is wrong, fit it again",
        well=f"all scores are {want}",
    )


def _variety(batches: Batches, ground: Ground, limits: ShiftLimits) -> Iterator[CheckResult]:
    """Whether scores are as varied as they were on the holdout."""
    if limits.same_value is None:
        return
    now, then = _most_varied(batches.new()), _most_varied(ground.new)
    found, known = _distinct(now), _distinct(then)
    fewest = _FEWEST * min(known, known * len(now) / max(len(then), 1))
    share, before = _at_one_value(now), _at_one_value(then)
    limit = max(limits.same_value, before + 3 * np.sqrt(before * (1 - before) / len(now)))
    passes = share <= limit and (found >= fewest or known < 3)
    told = f"{found} distinct scores, {share:.1%} of the rows at one of them"
    yield answer(
        "variety",
        passes,
        f"{told}; on the holdout the trial twin gave {known} and {before:.1%} (at least "
        f"{fewest:.0f} and at most {limit:.1%} are asked): look for a column that is constant or "
        "empty in this frame",
        well=told,
    )


def _most_varied(scores: Floats) -> Floats:
    """The scores, or of several classes the column with the most different ones."""
    if scores.ndim == 1:
        return scores
    return max(scores.T, key=_distinct)


def _distinct(scores: Floats) -> int:
    return len(np.unique(scores))


def _at_one_value(scores: Floats) -> float:
    return float(np.unique(scores, return_counts=True)[1].max() / len(scores))


def _values(table: pl.DataFrame, columns: tuple[str, ...]) -> Floats:
    found = table.select(columns).cast(pl.Float64).to_numpy()
    return np.ascontiguousarray(found[:, 0] if len(columns) == 1 else found)
