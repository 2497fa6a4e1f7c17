"""How long an elastic-net logistic regression takes, by us and by libraries, on the demo's rows.

Prints seconds and the objective that each reached (lower is better). Takes what is installed of
scikit-learn and glum (`pip install glum`).

    python benchmarks/elastic_net.py [--as-of 1998-01-05]
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.elastic_net import Design, Penalty, logistic
from model_refresh.config.fleet import load_fleet
from model_refresh.features import Encoder
from model_refresh.refresh.dataset import build_dataset, frames_of
from model_refresh.refresh.rows import feature_names, load_labelled
from model_refresh.storage import Store

Vector = NDArray[np.float64]
Fit = Callable[[Vector, Vector, Penalty], tuple[float, Vector]]

FLEET = Path(__file__).parents[1] / "fleet"
PENALTIES = (Penalty(lasso=1e-4, ridge=1e-3), Penalty(lasso=1e-6, ridge=1e-5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--as-of", default="1998-01-05")
    table, target = make_rows(parser.parse_args().as_of)
    print(f"{table.shape[0]:,} rows, {table.shape[1]} columns")
    for penalty in PENALTIES:
        for name, fit in solvers():
            begun = time.monotonic()
            intercept, coefficients = fit(table, target, penalty)
            seconds = time.monotonic() - begun
            reached = objective(table, target, intercept, coefficients, penalty)
            about = f"lasso {penalty.lasso:g}, ridge {penalty.ridge:g}"
            print(f"{about}: {name:12} {seconds:6.2f} s, {reached:.9f}")


def make_rows(as_of: str) -> tuple[Vector, Vector]:
    """The demo's trial rows: standardised columns, and one of blanks for each that has any."""
    (model,) = load_fleet(FLEET, environment={}, only="cdnow_repurchase")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder)).model(model.name)
        dataset = build_dataset(model, store, model.cadence.parse(as_of)).record
        frames = frames_of(dataset, dataset.plan.trial)
        rows = load_labelled(store, frames, feature_names(dataset.features))
    values = Encoder.fit(rows.table, dataset.features, ()).transform(rows.table).values
    blank = np.isnan(values)
    scaled = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    table = [np.nan_to_num(np.clip(scaled, -10, 10)), blank[:, blank.any(axis=0)]]
    return np.hstack(table).astype(np.float64), rows.target


def objective(
    table: Vector, target: Vector, intercept: float, coefficients: Vector, penalty: Penalty
) -> float:
    form = intercept + table @ coefficients
    loss = float(np.mean(np.logaddexp(0, form) - target * form))
    return loss + penalty.cost(coefficients)


def solvers() -> Iterator[tuple[str, Fit]]:
    yield "ours", _ours
    yield "scikit-learn", _saga
    try:
        import glum  # noqa: F401
    except ImportError:
        return
    yield "glum", _glum


def _ours(table: Vector, target: Vector, penalty: Penalty) -> tuple[float, Vector]:
    solution = logistic(Design(table, [], []), target, penalty)
    return solution.intercept, solution.coefficients


def _saga(table: Vector, target: Vector, penalty: Penalty) -> tuple[float, Vector]:
    from sklearn.linear_model import LogisticRegression

    size = penalty.lasso + penalty.ridge
    fitted = LogisticRegression(
        C=1 / (size * len(target)), l1_ratio=penalty.lasso / size, solver="saga", max_iter=2000
    ).fit(table, target)
    return float(fitted.intercept_[0]), fitted.coef_[0]


def _glum(table: Vector, target: Vector, penalty: Penalty) -> tuple[float, Vector]:
    from glum import GeneralizedLinearRegressor

    size = penalty.lasso + penalty.ridge
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = GeneralizedLinearRegressor(
            family="binomial", alpha=size, l1_ratio=penalty.lasso / size, gradient_tol=1e-8
        ).fit(table, target)
    return float(fitted.intercept_), fitted.coef_


if __name__ == "__main__":
    main()
