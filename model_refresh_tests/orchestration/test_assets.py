"""What assets tell when they are materialized, and what each takes where nothing is said."""

import os
from pathlib import Path

import dagster as dg
import pytest

from model_refresh.refresh.dataset import build_dataset
from model_refresh.storage.files import new_draft
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.runs import (
    AFTER,
    STEPS,
    definitions_of,
    entries,
    evaluation_of,
    failure_of,
    keys_of,
    materialize,
    materialized,
    metadata_of,
)

METRICS = {"log_loss", "roc_auc", "average_precision", "brier"}


def partitions_of(result: dg.ExecuteInProcessResult, step: str) -> list[str | None]:
    """The partitions of a step that a run materialized, in their order."""
    (key,) = keys_of([step])
    events = result.get_asset_materialization_events()
    return [event.partition for event in events if event.asset_key == key]


def days(lab: Lab, *numbers: int) -> list[str]:
    return [lab.model.cadence.key(lab.day(number)) for number in numbers]


def test_history_frames_are_told_as_materializations_of_features(fresh: Lab) -> None:
    (today,) = days(fresh, FIRST)
    first = materialize(fresh, ["features", "dataset"], partition=today)
    assert partitions_of(first, "features") == [today, *days(fresh, 5, 6, 7, 8, 9)]
    assert partitions_of(first, "dataset") == [today]
    (key,) = keys_of(["features"])
    told = {
        event.partition: event.materialization.metadata
        for event in first.get_asset_materialization_events()
        if event.asset_key == key
    }
    assert [each["backfilled"].value for each in told.values()] == [False, *[True] * 5]
    assert all(Path(str(each["dagster/uri"].value)).is_file() for each in told.values())
    again = materialize(fresh, ["features", "dataset"], partition=days(fresh, SECOND)[0])
    assert partitions_of(again, "features") == days(fresh, SECOND)


def test_every_asset_of_a_refresh_is_worth_opening_its_page(lab: Lab) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(lab, [*STEPS, *AFTER, "scores"], instance=instance)
        sizes = [len(dg.serialize_value(event)) for event in instance.all_logs(result.run_id)]
    assert result.success
    assert max(sizes) < 100_000  # events are kept for ever
    told = {step: metadata_of(result, step) for step in (*STEPS, *AFTER, "scores")}
    for step in ("features", "scores"):
        assert told[step]["dagster/row_count"].value == 300
        assert Path(str(told[step]["dagster/uri"].value)).is_file()
    schema = told["features"]["dagster/column_schema"].value
    assert isinstance(schema, dg.TableSchema)
    types = {column.name: column.type for column in schema.columns}
    assert types["segment"] == "string"
    assert types["most_spent"] == "double"
    lineage = told["dataset"]["dagster/column_lineage"].value
    assert isinstance(lineage, dg.TableColumnLineage)
    assert set(lineage.deps_by_column) == set(types) - {"customer_id"}
    assert lineage.deps_by_column["segment"] == [
        dg.TableColumnDep(keys_of(["features"])[0], "segment")
    ]
    for step in ("candidates/linear", "comparison", "champion"):
        assert set(told[step]) >= METRICS
        assert {type(told[step][name].value) for name in METRICS} == {float}
    assert str(told["comparison"]["predicted against actual"].value).startswith("![")
    assert told["champion"]["as_of"].value == days(lab, SECOND)[0]
    gate, shift = (evaluation_of(result, name) for name in ("promotion_gate", "score_shift"))
    assert told["champion"]["sentence"].value == gate.description
    assert told["trial_scores"]["sentence"].value == shift.description


def test_a_champion_without_partition_takes_the_newest_refresh_with_a_comparison(
    lab: Lab,
) -> None:
    """A backfill from the page runs it once, at its end."""
    lab.judge(SECOND)
    build_dataset(lab.model, lab.store, lab.day(SECOND + 1))
    result = materialize(lab, ["champion"])
    told = metadata_of(result, "champion")
    assert told["as_of"].value == days(lab, SECOND)[0]
    assert told["decision"].value == "promote"
    assert entries(lab) == 2
    assert metadata_of(materialize(lab, ["champion"]), "champion")["entry"].value == 2
    assert entries(lab) == 2


def test_a_check_alone_judges_the_newest_comparison(lab: Lab) -> None:
    gate = dg.AssetCheckKey(keys_of(["comparison"])[0], "promotion_gate")
    job = dg.define_asset_job("check", dg.AssetSelection.checks(gate))
    both = dg.Definitions.merge(definitions_of(lab), dg.Definitions(jobs=[job]))
    with dg.DagsterInstance.ephemeral() as instance:
        result = both.resolve_job_def("check").execute_in_process(instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed
    assert lab.store.verdicts(lab.day(SECOND)).last() is not None


def test_without_a_champion_scoring_says_so_and_succeeds(fresh: Lab) -> None:
    result = materialize(fresh, ["features", "scores"], partition=days(fresh, FIRST)[0])
    assert result.success
    assert metadata_of(result, "scores")["sentence"].value == "visits has no champion yet: no batch"


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("candidates/linear", "run the step dataset first"),
        ("comparison", "run the step dataset first"),
        ("challenger", "run comparison first"),
        ("champion", "no refresh has been compared yet"),
    ],
)
def test_a_step_alone_says_which_one_it_needs(fresh: Lab, step: str, why: str) -> None:
    result = materialize(fresh, [step])
    assert not result.success
    assert why in failure_of(result)


def test_too_early_a_refresh_names_the_first_possible_date(fresh: Lab) -> None:
    result = materialize(fresh, [*STEPS, *AFTER], partition=days(fresh, 1)[0])
    assert not result.success
    assert f"the first possible one is on {days(fresh, 4)[0]}" in failure_of(result)
    assert materialized(result) == {"features"}


def test_a_run_sweeps_what_crashed_processes_left_of_its_model(fresh: Lab) -> None:
    mine = new_draft(fresh.store.root / "versions")
    theirs = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{2**22 + 1}-"))
    theirs.mkdir()
    materialize(fresh, ["features"], partition=days(fresh, FIRST)[0])
    assert mine.exists()
    assert not theirs.exists()
