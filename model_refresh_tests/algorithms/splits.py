"""Rows at and beside the places where a form's trees split, where a mistake would show."""

import numpy as np

from model_refresh.features import Matrix
from model_refresh.scorer.formula.forms import Form
from model_refresh.scorer.formula.tree_sums import TreesForm
from model_refresh.scorer.formula.trees import CATEGORICAL

MOST = 3e38
"""About the largest number in single precision."""


def beside_splits(matrix: Matrix, form: Form) -> Matrix:
    """The matrix with values at the splits of trees and one step beside them, near 0 and huge."""
    rng, values = np.random.default_rng(5), matrix.values.copy()
    height, width = values.shape
    strange = [0.0, -0.0, 5e-324, 1e-35, -1e-35, 1e-36, 3.5e38, -3.5e38, 1e300, -1e300, np.nan]
    for column in range(width - 1):
        at = np.clip(splits(form, column) or [0.0], -1e308, 1e308)
        near = [at, np.nextafter(at, np.inf), np.nextafter(at, -np.inf), strange]
        drawn = rng.choice(np.concatenate(near), height)
        values[:, column] = np.where(rng.random(height) < 0.5, drawn, values[:, column])
    return Matrix(values, matrix.names, matrix.categories)


def splits(form: Form, column: int) -> list[float]:
    """Where a form's trees split a numeric column; also the next number in single precision."""
    if not isinstance(form, TreesForm):
        return []
    tables = [each.trees for each in form.sums]
    found = [
        at
        for trees in tables
        for at, feature, flags in zip(trees.threshold, trees.feature, trees.flags, strict=True)
        if feature == column and not flags & CATEGORICAL
    ]
    single = np.clip(found, -MOST, MOST).astype(np.float32)
    return [*found, *np.nextafter(single, np.float32(np.inf)).astype(float).tolist()]
