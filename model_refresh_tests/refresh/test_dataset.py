"""The dataset step: which frames serve what, and what stops before anything learns."""

import polars as pl
import pytest

from model_refresh.errors import DataError, NotDue
from model_refresh.records import Dataset, Frame
from model_refresh.refresh.dataset import build_dataset
from model_refresh_tests.lab import Lab


def dataset_at(lab: Lab, number: int) -> Dataset:
    return build_dataset(lab.model, lab.store, lab.day(number)).record


def test_nothing_that_is_learned_from_overlaps_what_it_is_judged_on(fresh: Lab) -> None:
    dataset = dataset_at(fresh, 10)
    plan = dataset.plan
    known = {pair.as_of: pair.labels.known_at for pair in dataset.frames}
    assert max(known[t] for t in plan.trial) <= min(plan.holdout)
    assert max(known[t] for t in plan.tuning) <= min(plan.validation)
    assert max(known[t] for t in plan.final) <= dataset.as_of
    assert set(known) == {*plan.tuning, *plan.trial, *plan.holdout, *plan.final}


def test_the_next_dataset_computes_only_what_is_new(fresh: Lab) -> None:
    computed: list[Frame] = []
    build_dataset(fresh.model, fresh.store, fresh.day(10), on_frame=computed.append)
    assert [frame.backfilled for frame in computed] == [True] * len(computed)
    first = len(computed)
    build_dataset(fresh.model, fresh.store, fresh.day(11), on_frame=computed.append)
    assert len(computed) == first, "the frame of day 10 was scored then, and is learned from now"
    assert dataset_at(fresh, 11).frames[-1].frame.backfilled is False


def test_repeating_the_step_changes_nothing(fresh: Lab) -> None:
    first = build_dataset(fresh.model, fresh.store, fresh.day(10))
    before = sorted(path for path in fresh.home.rglob("*"))
    assert build_dataset(fresh.model, fresh.store, fresh.day(10)) == first
    assert sorted(path for path in fresh.home.rglob("*")) == before


def test_too_early_a_refresh_names_the_first_possible_date(fresh: Lab) -> None:
    with pytest.raises(NotDue, match="the first possible one is on 2024-01-19"):
        dataset_at(fresh, 1)


def test_an_empty_current_frame_refreshes_nothing(fresh: Lab) -> None:
    lab = fresh
    (lab.folder / "features.sql").write_text(
        (lab.folder / "features.sql")
        .read_text()
        .replace("GROUP BY", "AND $as_of < '2024-01-25' GROUP BY")
    )
    with pytest.raises(DataError, match="0 rows") as caught:
        dataset_at(lab.again({}), 10)
    assert caught.value.check == "row_count"


def test_one_class_only_stops(fresh: Lab) -> None:
    sql = (fresh.folder / "labels.sql").read_text().replace("max(visited)", "max(visited) * 0")
    (fresh.folder / "labels.sql").write_text(sql)
    with pytest.raises(DataError, match="every one of the 900 training labels is 0"):
        dataset_at(fresh.again({}), 10)


def test_too_few_rows_stop(fresh: Lab) -> None:
    with pytest.raises(DataError, match=r"300 validation rows; checks\.min_rows asks for 500"):
        dataset_at(fresh.again({"checks.min_rows": 500}), 10)


@pytest.mark.parametrize(("policy", "used"), [("ignore", False), ("adopt", True)])
def test_a_new_column_becomes_a_feature_by_policy_only(fresh: Lab, policy: str, used: bool) -> None:
    (fresh.folder / "features.sql").write_text(
        "SELECT DISTINCT ON (customer_id) * EXCLUDE (visited) FROM visits WHERE day < $as_of ORDER BY customer_id, day"
    )
    lab = fresh.again({"checks.new_columns": policy})
    dataset_at(lab, 10)
    lab.damage(lab.rows().with_columns(pl.lit("web").alias("channel")))
    waiting, later = dataset_at(lab, 11), dataset_at(lab, 20)
    assert waiting.ignored == ("channel",), "the older frames don't have it"
    assert ("channel" in [column.name for column in later.features]) is used
    assert later.ignored == (() if used else ("channel",))
    expected = "is used once every frame" if used else "is not used"
    assert f"new column channel {expected}" in waiting.checks[0].sentence


def test_key_label_and_excluded_columns_are_no_features(fresh: Lab) -> None:
    dataset = dataset_at(fresh.again({"columns.exclude": ["most_spent"]}), 10)
    assert [column.name for column in dataset.features] == ["segment", "visits_14d", "visits"]
    assert dataset.categorical == ("segment",)


def test_an_unknown_categorical_column_is_named(fresh: Lab) -> None:
    with pytest.raises(DataError, match=r"columns\.categorical names 'colour'"):
        dataset_at(fresh.again({"columns.categorical": ["colour"]}), 10)


@pytest.mark.parametrize(
    ("field", "value"), [("group", "shop"), ("disjoint", "shop"), ("slices", ["segment", "shop"])]
)
def test_a_column_that_the_comparison_names_must_be_there_before_anything_is_fitted(
    fresh: Lab, field: str, value: object
) -> None:
    odd = fresh.again({f"comparison.{field}": value})
    with pytest.raises(
        DataError, match=f"comparison.{field} names 'shop', no column of features.sql"
    ):
        odd.refresh(10)
