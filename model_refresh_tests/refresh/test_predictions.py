"""Predictions of validation rows come back as they were stored, by their digest."""

import numpy as np
import pytest

from model_refresh.errors import CorruptError
from model_refresh.refresh.predictions import (
    FoldPredictions,
    publish_predictions,
    read_predictions,
)
from model_refresh_tests.lab import Lab


def made(*, classes: int, models: int) -> FoldPredictions:
    """Two folds of unlike length, newest first."""
    rng = np.random.default_rng(classes)
    shapes = [(n, classes) if classes else (n,) for n in (3, 5)]
    return FoldPredictions(
        targets=tuple(rng.integers(0, max(classes, 2), shape[0]).astype(float) for shape in shapes),
        models=tuple(tuple(rng.random(shape) for shape in shapes) for _ in range(models)),
    )


@pytest.mark.parametrize(("classes", "models"), [(0, 1), (0, 12), (3, 2), (12, 11)])
def test_what_was_stored_is_read_again(fresh: Lab, classes: int, models: int) -> None:
    stored = made(classes=classes, models=models)
    found = read_predictions(fresh.store, publish_predictions(fresh.store, stored))
    assert len(found.models) == models
    for model in range(models):
        for ours, theirs in zip(stored.of(model), found.of(model), strict=True):
            assert all(map(np.array_equal, ours, theirs))
    assert publish_predictions(fresh.store, found) == publish_predictions(fresh.store, stored)


def test_damaged_predictions_are_refused(fresh: Lab) -> None:
    digest = publish_predictions(fresh.store, made(classes=0, models=1))
    file = fresh.store.predictions(digest).path / "rows.parquet"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CorruptError):
        read_predictions(fresh.store, digest)
