"""How much a stored version leans on each feature, from the version's own files."""

import json
from collections.abc import Iterable

import polars as pl

from model_refresh.algorithms.version import read_learned
from model_refresh.booster import prepare_lightgbm
from model_refresh.features import Encoder
from model_refresh.records import Recipe
from model_refresh.storage import StoredFolder


def importances(stored: StoredFolder, recipe: Recipe) -> dict[str, float] | None:
    """Feature -> share of the whole, adding up to 1; None where the files don't tell.

    Versions say it themselves, in learned.json. Of those that were stored before there was one it
    is read from the model, LightGBM's "gain" or the largest weight of a standard deviation or of
    a category. It tells what the version uses, not what causes anything, and features that say the
    same share it between them. Raises NotStored or CorruptError.
    """
    if (told := read_learned(stored)) is not None:
        return told.importances
    if "encoder.json" not in stored.manifest.files:
        return None
    columns = _columns(Encoder.parse(stored.read("encoder.json")))
    weights = _weights(stored, recipe.algorithm, len(columns))
    if weights is None:
        return None
    total = sum(weights)
    if not 0.0 < total < float("inf"):
        return None
    shares = dict.fromkeys(columns, 0.0)
    for name, weight in zip(columns, weights, strict=True):
        shares[name] += weight / total
    return shares


def _columns(encoder: Encoder) -> list[str]:
    """The feature that each column of the matrix belongs to; a moment has several columns."""
    found: list[str] = []
    for feature in encoder.features:
        empty = pl.DataFrame(schema={feature.name: pl.Null})
        matrix = Encoder(features=(feature,)).transform(empty)
        found += [feature.name] * len(matrix.names)
    return found


def _weights(stored: StoredFolder, algorithm: str, columns: int) -> list[float] | None:
    if algorithm == "lightgbm" and "model.txt" in stored.manifest.files:
        weights = _of_trees(stored.read("model.txt").decode())
        return weights if len(weights) == columns else None
    if algorithm == "linear" and "model.json" in stored.manifest.files:
        return _of_terms(json.loads(stored.read("model.json")), columns)
    return None


def _of_trees(text: str) -> list[float]:
    prepare_lightgbm()
    import lightgbm  # here: it takes a while

    booster = lightgbm.Booster(model_str=text)
    return [float(gain) for gain in booster.feature_importance("gain")]


def _of_terms(model: object, columns: int) -> list[float] | None:
    """By column the largest of its weights' sizes; None for terms of another shape."""
    weights = [0.0] * columns
    try:
        for term in _terms(model):
            size = max(
                (abs(w) for w in _numbers([term.get("weight"), term.get("weights")])), default=0
            )
            weights[term["column"]] = max(weights[term["column"]], size)
    except (KeyError, TypeError, IndexError, AttributeError):
        return None
    return weights


def _terms(model: object) -> Iterable[dict]:  # type: ignore[type-arg]
    """Every JSON object below with a column and a weight, however deep."""
    if isinstance(model, dict):
        if "column" in model:
            yield model
        for below in model.values():
            yield from _terms(below)
    elif isinstance(model, list):
        for below in model:
            yield from _terms(below)


def _numbers(value: object) -> Iterable[float]:
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, list):
        for below in value:
            yield from _numbers(below)
