import numpy as np
import polars as pl
import pytest

from model_refresh.algorithms import Constant, LightGBM, Linear
from model_refresh.algorithms.constant import FittedConstant
from model_refresh.algorithms.learned import Learned, explained, learned, mixed
from model_refresh.algorithms.protocol import Algorithm, Fitted, Rows
from model_refresh.errors import FitError
from model_refresh.features import Encoder
from model_refresh.records import Column

MONDAY = pl.datetime(1998, 3, 2, time_unit="us")


def make_table(rows: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "base": rng.normal(size=rows),
            "seen": rng.integers(0, 200, rows),
            "shop": rng.choice(["north", "south"], rows),
        }
    ).with_columns(seen=MONDAY + pl.duration(days=pl.col("seen")))


def fit(algorithm: Algorithm, table: pl.DataFrame) -> tuple[Encoder, Fitted]:
    columns = [
        Column(name="base", type="number", stored_as="DOUBLE"),
        Column(name="seen", type="timestamp", stored_as="TIMESTAMP"),
        Column(name="shop", type="text", stored_as="VARCHAR"),
    ]
    encoder = Encoder.fit(table, columns, ())
    north = (table["shop"] == "north").cast(pl.Float64)
    target = table["base"] + 2 * north + table["seen"].dt.weekday() / 7
    rows = Rows(encoder.transform(table), target.to_numpy())
    used = {"rounds": 50, "min_data_in_leaf": 5}
    return encoder, algorithm.fit(
        rows, task="regression", parameters={**used}, seed=0, early=None
    ).fitted


@pytest.mark.parametrize("algorithm", [Linear(), LightGBM()])
def test_columns_of_one_feature_count_together(algorithm: Algorithm) -> None:
    table = make_table()
    encoder, fitted = fit(algorithm, table)
    told = learned(encoder, fitted)
    assert told is not None
    assert sorted(told.importances) == ["base", "seen", "shop"]
    assert sum(told.importances.values()) == pytest.approx(1)
    assert min(told.importances, key=lambda name: told.importances[name]) == "seen"


@pytest.mark.parametrize("algorithm", [Linear(), LightGBM()])
def test_what_features_add_sums_to_the_prediction(algorithm: Algorithm) -> None:
    table = make_table()
    encoder, fitted = fit(algorithm, table)
    told = explained(encoder, fitted, table.head(7), by="any")
    assert told.columns == ["base", "seen", "shop", "base_"]
    predicted = fitted.predict(encoder.transform(table.head(7)))
    np.testing.assert_allclose(told.sum_horizontal().to_numpy(), predicted)
    assert told["base_"].n_unique() == 1


def test_a_constant_leans_on_nothing_and_adds_nothing_to_its_base() -> None:
    table = make_table()
    encoder, fitted = fit(Constant(), table)
    assert learned(encoder, fitted) is None
    told = explained(encoder, fitted, table.head(3), by="constant")
    assert told.columns == ["base", "seen", "shop", "base_"]
    np.testing.assert_allclose(told["base_"], fitted.predict(encoder.transform(table.head(3))))
    assert not told.drop("base_").to_numpy().any()


def test_a_model_that_can_not_tell_says_so() -> None:
    table = make_table()
    encoder, _ = fit(Constant(), table)
    fitted = FittedConstant(value=0.0, shares=(0.5, 0.5), task="multiclass")
    with pytest.raises(FitError, match="by constant doesn't tell what each feature adds"):
        explained(encoder, fitted, table, by="constant")


def test_a_mixture_leans_on_what_its_members_lean_on() -> None:
    one, other = Learned(importances={"a": 1.0}), Learned(importances={"a": 0.5, "b": 0.5})
    told = mixed([(one, 0.2), (other, 0.6), (None, 0.2)])
    assert told is not None
    assert told.importances == pytest.approx({"a": 0.625, "b": 0.375})
    assert mixed([(None, 1.0)]) is None
