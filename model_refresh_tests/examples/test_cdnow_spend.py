"""The queries of the spend example, on the real purchases and on a few made ones."""

import datetime as dt
import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.refresh.frame import frame_query
from model_refresh_tests.examples.airport import EXAMPLES, run, run_labels

PURCHASES = EXAMPLES.parent / "fleet/cdnow_repurchase/data/transactions.parquet"
AS_OF = dt.datetime(1997, 10, 6, tzinfo=dt.UTC)
SHOP = {"customer_id": pl.Int64, "date": pl.Date, "cds": pl.Int64, "dollars": pl.Float64}


def shop(folder: Path, purchases: pl.DataFrame) -> Model:
    """The example with other purchases."""
    home = folder / "examples" / "cdnow_spend"
    shutil.copytree(EXAMPLES / "cdnow_spend", home)
    data = folder / "fleet/cdnow_repurchase/data"
    data.mkdir(parents=True)
    purchases.write_parquet(data / "transactions.parquet")
    return load_fleet(home, environment={})[0]


def features(model: Model) -> pl.DataFrame:
    """The frame at AS_OF."""
    return run(model, frame_query(model.definition.frame, AS_OF, "features.sql"))


@pytest.fixture(scope="module")
def purchases() -> pl.DataFrame:
    return pl.read_parquet(PURCHASES)


def test_purchases_from_as_of_on_change_no_feature(tmp_path: Path, purchases: pl.DataFrame) -> None:
    known = pl.col("date") < AS_OF.date()
    changed = purchases.with_columns(
        cds=pl.when(known).then("cds").otherwise(pl.col("cds") + 7),
        dollars=pl.when(known).then("dollars").otherwise(pl.col("dollars") * 10),
    )
    expected = features(shop(tmp_path / "as_it_was", purchases))
    assert_frame_equal(features(shop(tmp_path / "changed", changed)), expected)
    assert_frame_equal(features(shop(tmp_path / "ended", purchases.filter(known))), expected)


def test_there_is_one_row_and_one_label_a_customer(tmp_path: Path, purchases: pl.DataFrame) -> None:
    model = shop(tmp_path, purchases)
    frame, labels = features(model), run_labels(model, AS_OF)
    assert frame["customer_id"].is_unique().all()
    assert set(frame["customer_id"]) == set(labels["customer_id"])
    assert 0.85 < labels.filter(pl.col("spend") == 0).height / labels.height < 0.95


def test_spend_is_what_is_bought_from_as_of_on_and_before_four_weeks_have_passed(
    tmp_path: Path,
) -> None:
    days = {-1: 1.25, 0: 10.10, 27: 0.20, 28: 1000.0}
    rows = [(1, AS_OF.date() + dt.timedelta(days=day), 1, paid) for day, paid in days.items()]
    rows += [(2, AS_OF.date() - dt.timedelta(days=40), 1, 5.0)]  # buys no more
    rows += [(3, AS_OF.date() + dt.timedelta(days=3), 1, 5.0)]  # is no customer yet
    model = shop(tmp_path, pl.DataFrame(rows, schema=SHOP, orient="row"))
    labels = run_labels(model, AS_OF)
    assert dict(labels.iter_rows()) == {1: 10.3, 2: 0.0}


def test_features_count_what_they_say(tmp_path: Path) -> None:
    days = {100: (1, 10.0), 90: (2, 20.0), 28: (3, 30.0), 7: (4, 45.0)}
    rows = [
        (1, AS_OF.date() - dt.timedelta(days=day), cds, paid) for day, (cds, paid) in days.items()
    ]
    frame = features(shop(tmp_path, pl.DataFrame(rows, schema=SHOP, orient="row")))
    gaps = [10, 62, 21]
    mean = sum(gaps) / 3
    row = frame.row(0, named=True)
    assert row.pop("gap_deviation") == pytest.approx(
        (sum((gap - mean) ** 2 for gap in gaps) / 3) ** 0.5
    )
    assert row == {
        "customer_id": 1,
        "days_since_last": 7,
        "days_since_first": 100,
        "orders": 4,
        "orders_7d": 1,
        "orders_28d": 2,
        "orders_90d": 3,
        "dollars": 105.0,
        "dollars_mean": 26.25,
        "dollars_last": 45.0,
        "cds": 10,
        "cds_mean": 2.5,
        "gap_mean": 31.0,
        "first_day_of_year": (AS_OF.date() - dt.timedelta(days=100)).timetuple().tm_yday,
    }


def test_who_bought_once_has_no_habit_yet(tmp_path: Path) -> None:
    rows = [(1, AS_OF.date() - dt.timedelta(days=3), 1, 5.0)]
    frame = features(shop(tmp_path, pl.DataFrame(rows, schema=SHOP, orient="row")))
    assert frame.select("gap_mean", "gap_deviation").row(0) == (None, None)
