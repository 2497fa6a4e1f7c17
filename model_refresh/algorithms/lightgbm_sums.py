"""What LightGBM's trees predict: by the compiled kernel where it pays, and the same to the bit.

Before a model is trusted to the kernel, rows of its own first large call are predicted by LightGBM
too: on a difference LightGBM goes on alone, and the log says so.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.rounds import allowed_threads
from model_refresh.errors import FitError

if TYPE_CHECKING:
    from lightgbm import Booster

    from model_refresh.scorer.kernel.compiled import Compiled

_PACKS_FROM, _BUILDS_FROM = 1_000_000, 20_000_000
_COMPARED_ROWS = 256
_log = logging.getLogger("model_refresh.kernel")


class Predictions:
    """What `Booster.predict` gives, for a booster that was read from this text.

    `packs_from` and `builds_from` are rows times trees, summed over calls: from there on packing a
    model pays (a fifth of a second), and compiling the kernel where this machine has none yet
    (seconds).
    """

    def __init__(
        self,
        booster: "Booster",
        text: str,
        *,
        packs_from: int = _PACKS_FROM,
        builds_from: int = _BUILDS_FROM,
    ) -> None:
        self._booster, self._text = booster, text
        self._packs_from, self._builds_from = packs_from, builds_from
        self._work = 0
        self._fast: _Fast | None = None
        self._is_refused = False

    @property
    def is_compiled(self) -> bool:
        """Whether the kernel has taken over."""
        return self._fast is not None

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of rows, shape (rows, columns), the prediction, shape (rows,) or (rows, classes)."""
        rows, columns = values.shape
        self._work += rows * self._booster.num_trees()
        if self._fast is None and not self._is_refused and self._work >= self._packs_from:
            self._fast = self._trusted(values)
        if self._fast is None or columns != self._fast.columns or not rows:
            return self._by_lightgbm(values)
        return self._fast.predict(values)

    def _trusted(self, values: NDArray[np.float64]) -> "_Fast | None":
        """The kernel with this model, once it gave what LightGBM gives."""
        may_build = self._work >= self._builds_from
        try:
            fast = _Fast.read(self._text, build=may_build)
        except FitError as error:
            _log.info("LightGBM predicts by itself: %s", error)
            self._is_refused = True
            return None
        if fast is None:
            self._is_refused = may_build
            return None
        if values.shape[1] != fast.columns:
            return None
        some = np.ascontiguousarray(values[:: max(1, len(values) // _COMPARED_ROWS)])
        if fast.predict(some).tobytes() == self._by_lightgbm(some).tobytes():
            return fast
        _log.warning("the compiled kernel differs from LightGBM on this model: it isn't used")
        self._is_refused = True
        return None

    def _by_lightgbm(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._booster.predict(values), dtype=np.float64)


@dataclass(frozen=True)
class _Fast:
    """A model in the kernel: a sum for each output, what divides them, and what follows."""

    sums: tuple["Compiled", ...]
    divided_by: int
    link: Callable[[NDArray[np.float64]], None]

    @property
    def columns(self) -> int:
        return self.sums[0].columns

    @classmethod
    def read(cls, text: str, *, build: bool) -> "_Fast | None":
        """None where there is no kernel; raises FitError for a model that it can't predict."""
        from model_refresh.algorithms.lightgbm_text import read_trees
        from model_refresh.scorer.kernel.compiled import compiled, is_available

        head = text.partition("\nTree=")[0]
        if not is_available(build=build):
            return None
        link, tables = _link(head), read_trees(text)
        sums = tuple(each for trees in tables if (each := compiled(trees, build=build)))
        if len(sums) < len(tables):
            raise FitError("the kernel refuses its trees")
        averages = "average_output" in head.splitlines()
        return cls(sums, len(tables[0].roots) if averages else 1, link)

    def predict(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        values = np.ascontiguousarray(values, dtype=np.float64)
        totals = np.empty((len(values), len(self.sums)))
        threads = allowed_threads(values.size)
        for output, each in enumerate(self.sums):
            total = np.empty(len(values))
            each.totals(values.ctypes.data, len(values), total.ctypes.data, threads=threads)
            totals[:, output] = total
        totals /= self.divided_by
        self.link(totals)
        return totals[:, 0] if len(self.sums) == 1 else totals


def _link(head: str) -> Callable[[NDArray[np.float64]], None]:
    """What turns totals into predictions, in place; raises FitError for one that isn't known."""
    told = [line for line in head.splitlines() if line.startswith("objective=")]
    match "".join(told).partition("=")[2].split():
        case [] | ["regression"]:
            return lambda totals: None
        case ["binary", steepness] if steepness.startswith("sigmoid:"):
            return _logistic(float(steepness.partition(":")[2]))
        case ["multiclass", classes] if classes.startswith("num_class:"):
            return _softmax
        case other:
            raise FitError(f"no kernel for the objective {' '.join(other)!r}")


def _logistic(steepness: float) -> Callable[[NDArray[np.float64]], None]:
    from model_refresh.scorer.kernel.compiled import logistic

    return lambda totals: logistic(totals.ctypes.data, totals.size, steepness)


def _softmax(totals: NDArray[np.float64]) -> None:
    from model_refresh.scorer.kernel.compiled import softmax

    softmax(totals.ctypes.data, *totals.shape)
