"""What is guessed of a table, and that it can be refreshed from."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from model_refresh.engines import Query
from model_refresh.engines.memory import Memory
from model_refresh.errors import DataError
from model_refresh.refresh.probe import probe
from model_refresh_tests.scaffold.tables import (
    NAME,
    Guess,
    frame_of,
    parcels,
    proposed,
    purchases,
    subscribers,
    written,
)

Made = Callable[[], pl.DataFrame]


def test_of_purchases_it_asks_who_comes_back(bought: Guess) -> None:
    model, spec = bought.model, bought.model.spec
    assert (spec.task, spec.frame.key, spec.frame.rows) == ("binary", ("customer_id",), "snapshot")
    assert spec.label.column == "comes_back"
    assert "shop_last" in model.features_sql
    found = probe(model, bought.first)
    assert found.labelled == found.rows
    assert 0.02 < found.label_mean < 0.98


def test_days_before_months_are_told_by_all_rows_and_not_by_the_first(tmp_path: Path) -> None:
    rows = purchases(customers=5000).with_columns(pl.col("bought").dt.strftime("%d/%m/%Y"))
    (features,) = (
        text for name, text in proposed(tmp_path, rows).files.items() if name == "features.sql"
    )
    assert "'%d/%m/%Y'" in features
    assert "'%m/%d/%Y'" not in features


def test_a_named_column_of_text_that_is_no_known_date_is_shown(tmp_path: Path) -> None:
    rows = purchases().with_columns(pl.col("bought").dt.strftime("%b %d, %Y"))
    with pytest.raises(DataError, match=r"text such as 'Jan 01, 2025'; write dates as 2026-01-31"):
        proposed(tmp_path, rows, time="bought")


def test_a_regression_of_purchases_asks_how_much_is_spent(tmp_path: Path) -> None:
    rows = purchases()
    guess = written(tmp_path, rows, task="regression")
    found = probe(guess.model, guess.first)
    start = found.as_of.replace(tzinfo=None)
    ahead = rows.filter(
        pl.col("bought")
        .cast(pl.Datetime)
        .is_between(start, start + guess.model.spec.label.horizon, "left")
    )
    known = rows.filter(pl.col("bought").cast(pl.Datetime) < start)["customer_id"].unique()
    spent = ahead.filter(pl.col("customer_id").is_in(known.implode()))["amount"].sum()
    assert found.label_mean == pytest.approx(spent / known.len())


def test_of_a_panel_it_asks_for_the_next_label(subscribed: Guess) -> None:
    rows, spec = subscribed.rows, subscribed.model.spec
    assert (spec.frame.rows, spec.frame.every, spec.frame.key) == ("snapshot", "1mo", ("customer",))
    assert spec.label.column == "churned"
    found = probe(subscribed.model, subscribed.first)
    month = rows.filter(pl.col("month") == found.as_of.date())
    assert found.labelled == month.height == 60
    assert found.label_mean == pytest.approx(float(month["churned"].mean()))  # type: ignore[arg-type]


def test_rows_of_month_ends_are_met_by_frames_before_them(tmp_path: Path) -> None:
    rows = subscribers().with_columns(pl.col("month").dt.month_end())
    guess = written(tmp_path, rows)
    assert guess.model.spec.frame.start.day == 25
    assert probe(guess.model, guess.first).labelled == 60


def test_of_rows_that_happen_once_it_asks_for_their_own_label(tmp_path: Path) -> None:
    guess = written(tmp_path, parcels())
    model, spec = guess.model, guess.model.spec
    assert (spec.frame.rows, spec.frame.event_time) == ("event", "sent_at")
    assert spec.frame.key == ("parcel_id",)
    assert set(spec.frame.assumes_known) == {"weight", "carrier_no"}
    assert spec.columns.categorical == ("carrier_no",)
    assert "-- Left out, it knows the label (ROC AUC 1.00 alone): arrived_after" in (
        model.features_sql
    )
    assert not probe(model, guess.first).suspects


def test_a_key_that_a_few_rows_repeat_is_made_unique(tmp_path: Path) -> None:
    rows = parcels()
    twice = pl.concat([rows, rows.sample(40, seed=1)])
    guess = written(tmp_path, twice, key=("parcel_id",), label="late")
    assert "repeat another's key" in guess.model.features_sql
    assert probe(guess.model, guess.first).labelled > 0


def test_rows_without_any_key_are_told_apart_by_all_they_are(tmp_path: Path) -> None:
    rows = parcels().drop("parcel_id", "carrier_no")
    twice = pl.concat([rows, rows.head(30)])
    guess = written(tmp_path, twice)
    assert guess.model.spec.frame.key == ("row_key",)
    assert probe(guess.model, guess.first).labelled > 0


def test_a_label_of_words_is_mapped_or_listed(tmp_path: Path) -> None:
    rows = parcels().with_columns(
        pl.when(pl.col("late") == 1).then(pl.lit("Yes")).otherwise(pl.lit("no")).alias("late")
    )
    binary = written(tmp_path, rows).model
    assert (binary.spec.task, "late = 'Yes'" in (binary.labels_sql or "")) == ("binary", True)
    (tmp_path / "more").mkdir()
    classes = rows.with_columns(pl.Series("label", ["a", "b", "c", "d"] * 500)).drop("late")
    several = written(tmp_path / "more", classes).model
    assert (several.spec.task, several.spec.label.classes) == ("multiclass", ("a", "b", "c", "d"))


def test_frames_of_few_rows_are_made_enough_of(tmp_path: Path) -> None:
    rows = parcels(rows=600, days=200)
    model = written(tmp_path, rows, every="7d").model
    assert model.spec.training.holdout > 1
    assert model.spec.training.longest_window > 8


def test_what_is_wished_is_done(tmp_path: Path) -> None:
    rows = purchases()
    wished = {"horizon": "30d", "every": "7d", "key": ("customer_id", "shop"), "label": "amount"}
    spec = written(tmp_path, rows, **wished).model.spec
    assert (spec.label.horizon, spec.frame.every) == (dt.timedelta(days=30), "7d")
    assert spec.frame.key == ("customer_id", "shop")
    assert (spec.task, spec.label.column) == ("regression", "amount_ahead")


@pytest.mark.parametrize(
    ("made", "wished", "says"),
    [
        (lambda: purchases().drop("bought"), {}, "no column that says when"),
        (lambda: purchases(days=5), {"horizon": "28d", "every": "7d"}, "a shorter --horizon"),
        (lambda: purchases().head(20), {}, "20 rows; a model needs 40"),
        (lambda: purchases(), {"key": ("custmer",)}, "there are customer_id"),
        (lambda: purchases(), {"label": "none"}, "accepted: customer_id, amount, shop"),
        (lambda: purchases(), {"time": "amount"}, "no column of dates or times; accepted: bought"),
        (lambda: parcels().drop("late", "carrier_no"), {}, "--label"),
        (lambda: parcels().with_columns(late=0), {"label": "late"}, "no label can be made"),
        (lambda: subscribers(), {"label": "usage", "task": "binary"}, "would serve regression"),
        (parcels, {"label": "weight", "every": "7d", "horizon": "3d"}, "give --horizon 7d or more"),
    ],
)
def test_what_is_missing_is_said(
    tmp_path: Path, made: Made, wished: dict[str, object], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        proposed(tmp_path, made(), **wished)


@pytest.mark.parametrize(("made", "when"), [("bought", "bought"), ("subscribed", "month")])
def test_a_frame_reads_nothing_from_its_instant_on(
    made: str, when: str, request: pytest.FixtureRequest
) -> None:
    guess: Guess = request.getfixturevalue(made)
    model, rows = guess.model, guess.rows
    as_of = model.cadence.move(model.cadence.start, 4)
    before = rows.filter(pl.col(when) < as_of.date())
    assert before.height < rows.height
    assert frame_of(model, rows, as_of).equals(frame_of(model, before, as_of))


def test_the_past_of_events_counts_only_labels_that_were_known(tmp_path: Path) -> None:
    rows = parcels().with_columns(customer=pl.Series(np.arange(2_000) % 40).cast(pl.String))
    model = written(tmp_path, rows).model
    assert "past_mean" in model.features_sql
    as_of = model.cadence.move(model.cadence.start, 4)
    since = (as_of - model.spec.label.horizon).replace(tzinfo=None)
    hidden = rows.with_columns(
        late=pl.when(pl.col("sent_at") > since).then(1 - pl.col("late")).otherwise(pl.col("late"))
    )
    assert frame_of(model, rows, as_of).equals(frame_of(model, hidden, as_of))


def test_columns_beyond_the_most_are_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_refresh.scaffold.events._MOST_COLUMNS", 10)
    rows = widened(20)
    model = written(tmp_path, rows).model
    assert "there are very many columns: " in model.features_sql
    assert len(model.spec.frame.assumes_known) == 10


@pytest.mark.soak
def test_more_than_a_thousand_columns_are_no_trouble(tmp_path: Path) -> None:
    model = written(tmp_path, widened(1_020)).model
    assert "there are very many columns: " in model.features_sql
    assert len(model.spec.frame.assumes_known) == 1_000


def widened(columns: int) -> pl.DataFrame:
    """Parcels with so many numbers more."""
    more = {f"f{number}": pl.lit(number) + pl.col("weight") for number in range(columns)}
    return parcels(rows=900).with_columns(**more)


def test_odd_names_pass_through_or_get_plain_ones(tmp_path: Path) -> None:
    odd = purchases().rename(
        {"customer_id": 'Kunden "Nr."', "amount": "a\nb; --", "shop": " where "}
    )
    more: dict[str, pl.Expr] = {"select": pl.col("bought"), "x" * 400: pl.int_range(odd.height)}
    more |= {name: pl.lit(3.5) for name in ("at", "日本", "happened_at", "__label__")}
    odd = odd.with_columns(**more)
    model = written(tmp_path, odd, key=('Kunden "Nr."',), time="bought").model
    assert model.spec.frame.key == ('Kunden "Nr."',)
    names = frame_of(model, odd, model.cadence.move(model.cadence.start, 3)).columns
    assert {"column_3_last", "column_4_last"} <= set(names)
    assert model.name == NAME


@pytest.mark.parametrize(("closes", "hours"), [(21.0, 4), (23.9, 1), (11.0, 12)])
def test_a_day_that_ends_before_midnight_is_complete_once_it_is_loaded(
    tmp_path: Path, *, closes: float, hours: int
) -> None:
    """A night's load brings it whole; without this each frame would wait for the next night's."""
    rng, days = np.random.default_rng(4), np.repeat(np.arange(200), 60)
    at = days * 24 + rng.uniform(8, closes, len(days))
    when = np.datetime64("2026-01-01") + (at * 3_600_000).astype("timedelta64[ms]")
    who = rng.choice(300, len(days))
    rows = pl.DataFrame({"customer_id": who, "bought": when})
    guess = written(tmp_path, rows, every="1d", horizon="7d")
    with Memory({"rows": guess.rows}) as engine:
        (batch,) = engine.batches(Query(guess.model.ready_sql or "", {}))
    (until,) = batch.to_pydict()["complete_until"]
    newest = guess.rows["bought"].max()
    assert isinstance(newest, dt.datetime)
    assert until == newest + dt.timedelta(hours=hours)
    is_next_day = until.date() > newest.date()
    assert is_next_day == (closes > 12), "no more is taken for granted than half a day"
