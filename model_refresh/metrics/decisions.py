"""How good the decisions at a cut are: accuracy, precision, recall, F1.

All are ratios of means of rows, so that their influences follow by the delta method.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model_refresh.metrics.cut import Cut, Threshold
from model_refresh.metrics.protocol import Assessed, Floats, Metric, mean, ratio, undefined


@dataclass(frozen=True)
class _AtCut(Metric):
    """A ratio at a cut; without one, it acts where the probability is 0.5 or more."""

    tasks = ("binary",)
    direction = "maximise"
    stem: ClassVar[str]
    word: ClassVar[str]
    cut: Cut | None = None

    @property
    def name(self) -> str:
        """The stem, and the cut behind an @."""
        return self.stem if self.cut is None else f"{self.stem}@{self.cut.text}"

    @property
    def label(self) -> str:
        """`precision at 0.3`, `precision among the top 5%`."""
        return f"{self.word} {self._drawn.label}"

    @property
    def _drawn(self) -> Cut:
        return Threshold() if self.cut is None else self.cut


@dataclass(frozen=True)
class Precision(_AtCut):
    """The share of positive rows among those acted upon: what an action on one row is worth.

    Undefined where no row is acted upon. Where all of them or none are positive, their spread
    can't be seen, so there is a value but no error.
    """

    stem = "precision"
    word = "precision"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """Hits over rows acted upon."""
        shares = self._drawn.confusion(target, prediction)
        if shares.acted.value == 0.0:
            return undefined(len(target))
        precision = ratio(shares.hits, shares.acted)
        if np.ptp(precision.influence) > 0.0:
            return precision
        return Assessed(precision.value, np.full(len(target), np.nan))


@dataclass(frozen=True)
class Recall(_AtCut):
    """The share of positive rows that is acted upon; undefined without a positive row."""

    stem = "recall"
    word = "recall"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """Hits over positive rows."""
        shares = self._drawn.confusion(target, prediction)
        if shares.positive.value == 0.0:
            return undefined(len(target))
        return ratio(shares.hits, shares.positive)


@dataclass(frozen=True)
class F1(_AtCut):
    """The harmonic mean of precision and recall (van Rijsbergen 1979).

    Choose it where positives are rare and no cost is known; where costs are known, `value` is
    the better question. Undefined without a positive row; 0 where no row is acted upon.
    """

    stem = "f1"
    word = "F1"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """Twice the hits over rows acted upon plus positive rows."""
        shares = self._drawn.confusion(target, prediction)
        if shares.positive.value == 0.0:
            return undefined(len(target))
        return _harmonic(shares.hits, shares.acted, shares.positive)


@dataclass(frozen=True)
class AccuracyAt(_AtCut):
    """The share of rows decided rightly at a cut; see `Accuracy`."""

    stem = "accuracy"
    word = "accuracy"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """1 - acted upon - positive + 2 hits."""
        shares = self._drawn.confusion(target, prediction)
        acted, positive, hits = shares.acted, shares.positive, shares.hits
        return Assessed(
            1.0 - acted.value - positive.value + 2.0 * hits.value,
            2.0 * hits.influence - acted.influence - positive.influence,
        )


@dataclass(frozen=True)
class Accuracy(Metric):
    """The share of rows whose likeliest class is the right one; at 0.5 where there are two.

    Easy to tell, but blind to how sure a prediction is, and high for a constant where one class
    is rare. Where several classes are the likeliest, the first is taken.
    """

    name = "accuracy"
    label = "accuracy"
    tasks = ("binary", "multiclass")
    direction = "maximise"

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The mean of right decisions."""
        return mean((likeliest(prediction) == target).astype(np.float64))


@dataclass(frozen=True)
class MacroF1(Metric):
    """The mean over classes of F1, each class against the rest, by the likeliest class.

    Every class counts the same, however rare. As in scikit-learn, the classes are those that
    occur among the targets or the decisions. Undefined where the targets are all of one class.
    """

    name = "macro_f1"
    label = "macro F1"
    tasks = ("multiclass",)
    direction = "maximise"
    by_class = True

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """The mean F1."""
        if np.ptp(target) == 0.0:
            return undefined(len(target))
        decided = likeliest(prediction)
        classes = np.union1d(target, decided)
        scores = [_f1(target == each, decided == each) for each in classes]
        influence = np.mean([score.influence for score in scores], axis=0)
        return Assessed(float(np.mean([score.value for score in scores])), influence)


def likeliest(prediction: Floats) -> Floats:
    """The code of each row's class of most probability, the first where they tie.

    Of two classes in one column: 1 from 0.5 on.
    """
    decided = prediction >= 0.5 if prediction.ndim == 1 else np.argmax(prediction, axis=1)
    return np.asarray(decided, dtype=np.float64)


def _harmonic(hits: Assessed, acted: Assessed, positive: Assessed) -> Assessed:
    """F1 of three shares of rows."""
    both = Assessed(acted.value + positive.value, acted.influence + positive.influence)
    return ratio(Assessed(2.0 * hits.value, 2.0 * hits.influence), both)


def _f1(positive: np.ndarray, acted: np.ndarray) -> Assessed:
    shares = [mean(which.astype(np.float64)) for which in (positive & acted, acted, positive)]
    return _harmonic(shares[0], shares[1], shares[2])
