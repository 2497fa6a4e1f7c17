"""Categories that the reference doesn't have."""

import numpy as np

from model_refresh.metrics.protocol import Floats


def new_share(reference: Floats, current: Floats) -> Floats:
    """The share of current rows whose category no row of the reference has.

    Both are counts of shape (..., categories) of the same categories, current's with a row at
    least; the answer has shape (...). Without a shift it is about `unseen_share` of the reference.
    """
    new = np.where(reference == 0, current, 0.0)
    return np.asarray(new.sum(axis=-1) / current.sum(axis=-1), dtype=np.float64)


def unseen_share(counts: Floats) -> float:
    """The chance that a further row has a category that these rows don't have.

    The share of rows that are alone in theirs: Good (1953), The population frequencies of species
    and the estimation of population parameters, Biometrika 40. Of counts of shape (categories,);
    1.0 without a row.
    """
    total = float(counts.sum())
    return float((counts == 1).sum() / total) if total else 1.0
