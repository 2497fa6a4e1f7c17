"""What a resolved model answers: digests, defaults that depend on others, show, warnings."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from model_refresh.config.show import resolved
from model_refresh.config.warnings import warnings
from model_refresh.engines import Query
from model_refresh.splits import first_refresh, plan_frames
from model_refresh_tests.factories import AS_OF, START, make_model, make_purchases


def test_the_factorys_model_can_be_planned_and_queried(tmp_path: Path) -> None:
    model = make_model(tmp_path, window=3)
    assert len(plan_frames(AS_OF, cadence=model.cadence, sizes=model.sizes).final) == 3
    with model.open_source() as engine:
        (batch,) = engine.batches(Query(model.features_sql, {"as_of": START}, "features.sql"))
    assert batch.num_rows == 300
    assert [path.name for path in model.source_files()] == ["purchases.parquet"]


def test_the_farthest_that_can_be_declared_is_still_a_date(tmp_path: Path) -> None:
    model = make_model(
        tmp_path,
        start="2200-01-01",
        every="1mo",
        horizon="3660d",
        maturity="3660d",
        window=10_000,
        min_frames=10_000,
        holdout=10_000,
        validation=10_000,
    )
    assert first_refresh(model.cadence, model.sizes).year == 4760


def test_the_factory_gives_the_same_data_each_time_and_knows_its_fields(tmp_path: Path) -> None:
    assert make_purchases().equals(make_purchases())
    assert not make_purchases().equals(make_purchases(seed=1))
    with pytest.raises(KeyError, match="windw"):
        make_model(tmp_path, windw=3)


@pytest.mark.parametrize(
    ("overrides", "primary", "loss"),
    [
        ({}, "log_loss", "log_loss"),
        ({"task": "regression"}, "rmse", "rmse"),
        ({"task": "regression", "metric": "mae"}, "mae", "mae"),
        ({"metric": "roc_auc", "gates": [{"gate": "beats_constant"}]}, "roc_auc", "log_loss"),
    ],
)
def test_metrics_depend_on_the_task(
    tmp_path: Path, overrides: dict[str, Any], primary: str, loss: str
) -> None:
    model = make_model(tmp_path, **overrides)
    assert (model.primary_metric, model.tuning_loss) == (primary, loss)
    assert model.metric_names[0] == primary
    assert len(set(model.metric_names)) == len(model.metric_names) > 4


def test_what_a_gate_names_is_computed_though_it_is_not_shown(tmp_path: Path) -> None:
    gates = [{"gate": "absolute", "metric": "brier", "at_most": 0.3}]
    assert make_model(tmp_path, gates=gates, also=[]).metric_names == ("log_loss", "brier")


def test_a_champion_may_be_four_horizons_and_steps_old(tmp_path: Path) -> None:
    assert make_model(tmp_path).max_age == dt.timedelta(days=4 * (28 + 7))
    assert make_model(tmp_path, max_age="3d").max_age == dt.timedelta(days=3)


@pytest.mark.parametrize(
    ("overrides", "policy", "definition"),
    [
        ({}, True, True),
        ({"description": "else", "cron": "0 7 * * *", "threads": 1}, True, True),
        ({"gates": [{"gate": "superior"}]}, False, True),
        ({"confidence": 0.9}, False, True),
        ({"metric": "brier"}, False, True),
        ({"window": 5}, True, True),
        ({"maturity": "1d"}, True, False),
    ],
)
def test_each_digest_covers_its_own_part(
    tmp_path: Path, overrides: dict[str, Any], policy: bool, definition: bool
) -> None:
    old, new = make_model(tmp_path), make_model(tmp_path, **overrides)
    assert (old.policy_digest() == new.policy_digest()) is policy
    assert (old.definition.digest() == new.definition.digest()) is definition


def test_the_title_is_the_name_and_the_descriptions_first_line(tmp_path: Path) -> None:
    assert make_model(tmp_path).title == "repurchase"
    assert make_model(tmp_path, description="Who?\nMore.").title == "repurchase: Who?"


def test_show_marks_what_was_set_and_resolves_the_rest(tmp_path: Path) -> None:
    model = make_model(tmp_path, window=5, metric="brier")
    found = {each.path: (each.value, each.was_set) for each in resolved(model)}
    assert found["training.window"] == (5, True)
    assert found["training.min_frames"] == (2, False)
    assert found["training.tuning.seconds"] == (60.0, False)
    assert found["comparison.metric"] == ("brier", True)
    assert found["comparison.group"] == (["customer_id"], False)
    assert found["champion.max_age"] == ("140d", False)
    assert found["label.horizon"] == ("28d", True)
    assert found["frame.start"] == ("1997-03-03", True)
    assert found["checks.min_rows"] == (100, False)
    assert found["source.tables"] == ({"purchases": "data/purchases.parquet"}, True)
    assert "repurchase" in str(found["name"])


def test_a_schedule_in_a_zone_that_is_ahead_of_utc_is_warned_of(tmp_path: Path) -> None:
    (warning,) = warnings(make_model(tmp_path, timezone="Pacific/Auckland"))
    assert "fires on Mon 1997-03-10 06:00 in Pacific/Auckland, which is Sun 17:00 UTC" in warning
    assert "takes the frame of 1997-03-03, not that of 1997-03-10" in warning


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"timezone": "America/New_York"},
        {"timezone": "Pacific/Auckland", "cron": "0 14 * * MON"},
        {"every": "1mo", "start": "1997-03-03", "cron": "0 6 * * *"},
        {"every": "1h", "cron": "5 * * * *", "timezone": "Asia/Kolkata"},
    ],
)
def test_a_schedule_that_takes_every_frame_on_its_day_is_not_warned_of(
    tmp_path: Path, overrides: dict[str, Any]
) -> None:
    assert warnings(make_model(tmp_path, **overrides)) == ()


def test_a_schedule_that_skips_frames_is_not_since_those_are_scored_too(tmp_path: Path) -> None:
    assert warnings(make_model(tmp_path, every="1d")) == ()


@pytest.mark.parametrize(
    ("every", "holdout", "needed"), [("1d", 1, 5), ("1h", 2, 120), ("7d", 1, 0)]
)
def test_too_few_days_of_events_to_judge_are_warned_of(
    tmp_path: Path, every: str, holdout: int, needed: int
) -> None:
    cron = {"1d": "0 6 * * *", "1h": "5 * * * *", "7d": "0 6 * * MON"}[every]
    model = make_model(
        tmp_path, rows="event", event_time="at", every=every, holdout=holdout, cron=cron
    )
    told = [each for each in warnings(model) if "group" in each]
    assert len(told) == (needed > 0)
    assert all(f"set training.holdout to {needed}" in each for each in told)
