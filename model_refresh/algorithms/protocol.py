"""What every algorithm offers, and the values that pass through it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Parameters as Parameters
from model_refresh.records import Record, Task

if TYPE_CHECKING:
    from model_refresh.scorer.formula.forms import Form


@dataclass(frozen=True)
class Rows:
    """Encoded rows with their target, shape (rows,).

    The target is 0.0 and 1.0 for a binary task, a class's place for a multiclass one. `classes` is
    how many classes are declared, whichever of them these rows have; 0: the task isn't multiclass.
    `weight`, shape (rows,), says how much each row counts when it is learned from: positive, its
    mean 1; None: all count alike. Rows that stop a fit early or judge it count alike always.
    """

    matrix: Matrix
    target: NDArray[np.float64]
    classes: int = 0
    weight: NDArray[np.float64] | None = None


class Dimension(Record):
    """One parameter that tuning may vary, in [low, high]; `log` searches by magnitude.

    `start` is the value to use untuned, and the first that tuning tries.
    """

    name: str
    low: float
    high: float
    start: float
    integer: bool = False
    log: bool = False


class Fitted(Protocol):
    """A fitted model that predicts and stores itself."""

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The probability of class 1, or the expected value; shape (rows,).

        For a multiclass task the probability of each class, shape (rows, classes), whose rows sum
        to 1; a class that training rows didn't have has its column too, as if half a row had it.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the model's file or files into the folder, in text or JSON."""
        ...

    def importances(self) -> NDArray[np.float64] | None:
        """How much the model leans on each column of the matrix; shape (columns,), sum 1.

        None where it leans on none, or can't tell.
        """
        ...

    def contributions(self, matrix: Matrix) -> NDArray[np.float64] | None:
        """What each column adds to each row's prediction; shape (rows, columns + 1), last the base.

        On the link scale: log odds of class 1, or the value itself. A row's sum is its prediction
        there. None for a multiclass task, or where the model can't tell.
        """
        ...

    def form(self) -> "Form | None":
        """The model as tables, which need nothing but the scorer to predict what it does.

        Within 1e-9 of `predict` for every row of the matrix; None where it can't be written out.
        Needs the extra `realtime`.
        """
        ...


@dataclass(frozen=True)
class Fit:
    """A fitted model, and what is known of how it was fitted.

    `parameters` are all that a refit needs, with `rounds` where the algorithm has rounds. `curve`
    is the algorithm's own loss on the rows that stopped it after 1, 2... rounds, as far as it grew,
    those that found nothing better included; empty where it has no rounds, or nothing stopped it.
    """

    fitted: Fitted
    parameters: Parameters
    curve: tuple[float, ...] = ()
    grown: Callable[[int], Fitted] | None = None

    def cut(self, rounds: int) -> Fitted:
        """The model as it was after so many rounds, from 1 to the curve's length.

        It is the fitted one where there is no curve.
        """
        return self.fitted if self.grown is None or not self.curve else self.grown(rounds)


class Algorithm(Protocol):
    """A way to learn: a frozen record whose fields are its options, `algorithm` its name."""

    @property
    def algorithm(self) -> str:
        """The name by which it is declared."""
        ...

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """What tuning may vary; empty where there is nothing to tune."""
        ...

    def starts(self, task: Task) -> tuple[Parameters, ...]:
        """Settings that are worth trying first, the best bet first: the space's own start."""
        ...

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        """The fitted model with the parameters that a refit needs.

        Those hold a value for each dimension of the space: the one given, else its start. With
        `early`, training stops where the loss on those rows stops falling, and they hold the number
        of rounds that was found too; without it they are used as they are.

        The same rows, parameters and seed give the same bytes from `save`, whatever the number of
        threads. Raises FitError where the rows or the parameters can't be learned from.
        """
        ...

    def load(self, folder: Path) -> Fitted:
        """The model that `save` wrote there; digests are verified before this is called.

        It predicts what it predicted before it was saved, to the bit.
        """
        ...


def completed(space: tuple[Dimension, ...], parameters: Parameters) -> Parameters:
    """The parameters with each dimension that they lack at its start."""
    return {d.name: int(d.start) if d.integer else d.start for d in space} | parameters


def number(parameters: Parameters, name: str) -> float:
    """One numeric parameter; raises FitError where it is missing or no number."""
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FitError(f"parameter {name!r} must be a number, not {value!r}")
    return float(value)


def require_learnable(train: Rows, task: Task) -> None:
    """Raise FitError where the rows can't be learned from.

    That is: there are none, a label or a weight is not finite, or there is one class only.
    """
    target = train.target
    if target.size == 0:
        raise FitError("there are no rows to learn from")
    if bad := int(np.count_nonzero(~np.isfinite(target))):
        raise FitError(f"the label is NaN or infinite on {bad} of {target.size} rows")
    _require_weights(train)
    if task == "regression":
        return
    _require_classes(target, task, train.classes)
    if target.min() == target.max():
        raise FitError(f"all {target.size} labels are {target[0]:g}: nothing can be told apart")


def _require_classes(target: NDArray[np.float64], task: Task, classes: int) -> None:
    """Raise FitError where a label is no class, or a multiclass task doesn't say how many."""
    if task == "multiclass" and classes < 2:
        raise FitError(f"a multiclass task needs rows that say how many classes; met {classes}")
    known = {0.0, 1.0} if task == "binary" else set(map(float, range(classes)))
    if strange := set(np.unique(target).tolist()) - known:
        accepted = "0 or 1" if task == "binary" else f"a whole number from 0 to {classes - 1}"
        raise FitError(f"a {task} label is {accepted}; found {min(strange):g}")


def _require_weights(train: Rows) -> None:
    """Raise FitError unless each row has a weight above 0, or none has one."""
    if train.weight is None:
        return
    if train.weight.shape != train.target.shape:
        raise FitError(f"{train.target.size} rows have {train.weight.size} weights; each needs one")
    fine = np.isfinite(train.weight) & (train.weight > 0)
    if bad := int(np.count_nonzero(~fine)):
        met = train.weight[~fine][0]
        raise FitError(
            f"a row's weight must be a positive number; {bad} of {fine.size} are not, such as "
            f"{met:g}: leave out rows that count for nothing"
        )
