"""What calibrated chances alone let expect of metrics, before any outcome is known.

Confidence-based performance estimation: a row with the chance p is a 1 with probability p, so it
counts p times as a 1 and 1 - p times as a 0, and the expected confusion of any decision follows
(Guan and Yuan 2021; NannyML's CBPE; Dawid 1982 on why it needs calibration). It holds as long as
the chances are right: it sees that rows have become harder, never that the model has become wrong.

For a regression there is no such estimate. A predicted number says nothing of its own error, and
what a second model of past errors would say is what the promise says already.
"""

from collections.abc import Callable, Mapping

import numpy as np

from model_refresh.metrics.protocol import Floats


def expected_metrics(chances: Floats) -> dict[str, float]:
    """Expected values by metric: of chances of 1, shape (rows,), or of classes (rows, classes).

    Metrics that can't be said (a ranking without any doubt or hope) are left out; of no rows none
    is said.
    """
    if len(chances) == 0:
        return {}
    known = _BINARY if chances.ndim == 1 else _MULTICLASS
    found = {name: measure(chances) for name, measure in known.items()}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def expected_log_loss(chances: Floats) -> float:
    """The mean entropy of the rows' chances, in nats."""
    from scipy.special import entr

    return float(entr(_by_class(chances)).sum(axis=1).mean())


def expected_brier(chances: Floats) -> float:
    """The mean variance of the outcomes, p (1 - p)."""
    return float(np.mean(chances * (1.0 - chances)))


def expected_accuracy(chances: Floats) -> float:
    """The mean chance of the likeliest class: the diagonal of the expected confusion."""
    return float(_by_class(chances).max(axis=1).mean())


def expected_roc_auc(chances: Floats) -> float:
    """The expected share of pairs of a 1 and a 0 that are in order, ties counting half."""
    return _expected_area(chances)


def expected_macro_auc(chances: Floats) -> float:
    """The mean over classes of the expected area of each against the rest."""
    return float(np.mean([_expected_area(column) for column in chances.T]))


def _by_class(chances: Floats) -> Floats:
    return chances if chances.ndim == 2 else np.stack([1.0 - chances, chances], axis=1)


def _expected_area(chances: Floats) -> float:
    """Sum over pairs i, j of different rows of p_i (1 - p_j), where i ranks above j; n log n.

    Over all such pairs, whichever ranks above: the ratio of both expectations. nan where no pair
    is expected.
    """
    values, code = np.unique(chances, return_inverse=True)
    positive = np.asarray(np.bincount(code, weights=chances, minlength=len(values)))
    negative = np.asarray(np.bincount(code, weights=1.0 - chances, minlength=len(values)))
    below = np.cumsum(negative) - negative
    itself = float(np.sum(chances * (1.0 - chances)))
    ordered = float(positive @ (below + 0.5 * negative)) - 0.5 * itself
    pairs = float(positive.sum() * negative.sum()) - itself
    return ordered / pairs if pairs > 0.0 else float("nan")


_Measure = Callable[[Floats], float]

_BINARY: Mapping[str, _Measure] = {
    "log_loss": expected_log_loss,
    "roc_auc": expected_roc_auc,
    "brier": expected_brier,
    "accuracy": expected_accuracy,
}
_MULTICLASS: Mapping[str, _Measure] = {
    "log_loss": expected_log_loss,
    "macro_auc": expected_macro_auc,
    "accuracy": expected_accuracy,
}
