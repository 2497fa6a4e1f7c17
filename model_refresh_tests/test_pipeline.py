"""Whole refreshes, end to end: real files, DuckDB, child processes; no Dagster."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from model_refresh import pipeline
from model_refresh.algorithms.version import load_version
from model_refresh.config.fleet import load_fleet, read_fleet
from model_refresh.errors import EngineError, NotDue
from model_refresh.pipeline.alone import demanded, refresh_alone
from model_refresh.records import Comparison, Verdict
from model_refresh.storage import Store
from model_refresh.storage.leases import Holder
from model_refresh.storage.store import stamp
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import FEATURES, LABELS, NAME, Lab

THIRD = SECOND + 1
QUICK = {"training.refit": False}
LINEAR = [{"algorithm": "linear"}]
IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}


def declared(lab: Lab, changes: Mapping[str, object], **queries: str) -> Lab:
    """The lab with other settings and queries; `queries` are `features` and `labels`."""
    for name, sql in queries.items():
        (lab.folder / f"{name}.sql").write_text(sql)
    return lab.again(changes)


def verdict_of(lab: Lab, number: int) -> Verdict:
    return lab.store.verdicts(lab.day(number)).lines()[-1].record


def comparison_of(lab: Lab, number: int) -> Comparison:
    return lab.store.comparisons(lab.day(number)).lines()[-1].record


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {gate.gate: gate.outcome for gate in verdict.gates}


def champions(lab: Lab) -> list[str]:
    return [line.record.version for line in lab.store.champion.lines()]


def every_byte(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def scored(lab: Lab, number: int) -> pl.DataFrame:
    line = pipeline.score(lab.model, lab.store, lab.day(number))
    assert line is not None
    return pl.read_parquet(lab.store.place(line.record))


def require_sound(lab: Lab) -> None:
    assert list(verify(Store(lab.home), [NAME])) == []


def test_the_first_refresh_promotes_without_an_incumbent_to_compare_with(lab: Lab) -> None:
    verdict = verdict_of(lab, FIRST)
    assert verdict.decision == "promote"
    assert outcomes(verdict) == {"beats_constant": "passed", "non_inferior": "not_applicable"}
    assert verdict.champion is None
    assert comparison_of(lab, FIRST).incumbent is None


def test_each_refresh_meets_the_champion_before_it_trial_against_trial(lab: Lab) -> None:
    wide = [{"gate": "beats_constant"}, {"gate": "non_inferior", "margin": "10%"}]
    changed = lab.again({"training.candidates": LINEAR, "gates": wide})
    for number in (THIRD, THIRD + 1):
        before = changed.store.champion.lines()[-1].record
        promotion = changed.refresh(number)
        assert promotion.decision == "promote", promotion.sentence
        incumbent = comparison_of(changed, number).incumbent
        assert incumbent is not None
        assert (incumbent.entry, incumbent.version) == (before.number, before.version)
        assert incumbent.trial == before.trial != before.version
        assert outcomes(verdict_of(changed, number))["non_inferior"] == "passed"
    for line in changed.store.champion.lines():
        trial, final = (
            load_version(changed.store, str(name))
            for name in (line.record.trial, line.record.version)
        )
        assert trial.recipe == final.recipe, "the same recipe, refitted through newer labels"
        assert trial.lineage.known_at < final.lineage.known_at <= line.record.as_of
    require_sound(changed)


def test_a_refresh_that_retained_can_be_run_again_and_changes_no_byte(lab: Lab) -> None:
    strict = lab.again({"gates": [IMPOSSIBLE]})
    first = strict.refresh(SECOND)
    assert first.decision == "retain"
    before = every_byte(strict.home)
    assert strict.refresh(SECOND) == first
    assert every_byte(strict.home) == before


def test_a_refresh_that_promoted_can_be_run_again_and_changes_no_byte(lab: Lab) -> None:
    before = every_byte(lab.home)
    promotion = lab.refresh(FIRST)
    assert (promotion.decision, promotion.champion) == ("promote", champions(lab)[0])
    assert every_byte(lab.home) == before


def test_refreshes_and_scores_of_several_frames_repeat_without_a_change(lab: Lab) -> None:
    lab.refresh(SECOND)
    tables = [scored(lab, number) for number in (FIRST, SECOND, THIRD)]
    before = every_byte(lab.home)
    for number in (SECOND, FIRST):
        lab.refresh(number)
    again = [scored(lab, number) for number in (FIRST, SECOND, THIRD)]
    assert all(one.equals(other) for one, other in zip(tables, again, strict=True))
    assert every_byte(lab.home) == before
    require_sound(lab)


def test_too_early_a_refresh_is_not_due_and_leaves_nothing(fresh: Lab) -> None:
    with pytest.raises(NotDue, match="the first possible one is on 2024-01-19") as caught:
        fresh.refresh(3)
    assert caught.value.check == "due"
    assert not fresh.home.exists()


def test_on_the_first_possible_date_a_refresh_runs_and_says_what_it_lacks(fresh: Lab) -> None:
    few = fresh.again({"training.candidates": LINEAR, "training.refit": False})
    assert few.refresh(4).decision in {"promote", "retain"}
    dataset = few.store.datasets(few.day(4)).lines()[-1].record
    assert "tuning has 2 of 3 frames: there are none before 2024-01-15" in dataset.plan.notes


SPENT = LABELS.replace("max(visited) AS visited", "sum(spend) AS spent")
REGRESSION: dict[str, object] = {
    "task": "regression",
    "label.column": "spent",
    "training.candidates": [{"algorithm": "linear"}, {"algorithm": "lightgbm", "rounds": 30}],
    "training.refit": False,
}


def test_a_regression_is_refreshed_compared_and_scored(fresh: Lab) -> None:
    lab = declared(fresh, REGRESSION, labels=SPENT)
    assert lab.refresh(FIRST).decision == "promote"
    lab = lab.again({**REGRESSION, "training.candidates": LINEAR})
    lab.refresh(SECOND)
    comparison = comparison_of(lab, SECOND)
    assert comparison.primary == "rmse"
    assert {"rmse", "mae", "r2", "spearman", "slope", "intercept"} <= set(comparison.metrics)
    assert comparison.metrics["rmse"].gain_over_incumbent is not None
    assert outcomes(verdict_of(lab, SECOND)).keys() == {"beats_constant", "non_inferior"}
    scores = scored(lab, SECOND)["score"].to_numpy()
    assert (len(scores), scores.max() > 5) == (300, True), "amounts, no chances"
    require_sound(lab)


EVENTS = """
WITH past AS (
    SELECT customer_id, avg(visited) AS rate, any_value(segment) AS segment
    FROM visits WHERE day < $as_of GROUP BY customer_id
)
SELECT customer_id, day, segment, rate
FROM visits JOIN past USING (customer_id, segment)
WHERE day >= $as_of AND day < $next
ORDER BY customer_id, day
"""
EVENT_LABELS = """
SELECT customer_id, day, visited FROM visits WHERE day >= $as_of AND day < $until
"""
EVENT: dict[str, object] = {
    "frame.key": ["customer_id", "day"],
    "frame.rows": "event",
    "frame.event_time": "day",
    "training.candidates": LINEAR,
    "training.refit": False,
    "training.holdout": 5,
}


def test_event_rows_are_refreshed_and_scored_for_the_coming_window(fresh: Lab) -> None:
    lab = declared(fresh, EVENT, features=EVENTS, labels=EVENT_LABELS)
    promotion = lab.refresh(15)
    comparison = comparison_of(lab, 15)
    gain = comparison.metrics["log_loss"].gain_over_constant
    assert gain is not None
    assert (comparison.rows, gain.groups) == (1500, 5), "the errors of one day belong together"
    assert promotion.decision == "promote", promotion.sentence
    dataset = lab.store.datasets(lab.day(15)).lines()[-1].record
    assert [column.name for column in dataset.features] == ["segment", "rate"]
    table = scored(lab, 15)
    assert table.columns == ["customer_id", "day", "score"]
    assert set(table["day"].cast(pl.Date)) == {lab.day(15).date()}
    require_sound(lab)


INSIDE = FEATURES.replace(
    "segment,",
    "segment,\n    (SELECT max(later.visited) FROM visits AS later WHERE later.day = $as_of::DATE "
    "AND later.customer_id = visits.customer_id) AS visited,",
    1,
)


def test_a_label_inside_the_features_query_is_learned_from_once_it_is_known(fresh: Lab) -> None:
    whole = fresh.rows()
    changes = {"label.query": None, "training.candidates": LINEAR, "training.refit": False}
    lab = declared(fresh, changes, features=INSIDE)
    for number in (FIRST, SECOND):
        lab.damage(whole.filter(pl.col("day") < lab.day(number).date()))
        promotion = lab.refresh(number)
        assert promotion.decision == "promote", promotion.sentence
        dataset = lab.store.datasets(lab.day(number)).lines()[-1].record
        assert "visited" not in [column.name for column in dataset.features]
        assert scored(lab, number).columns == ["customer_id", "score"]
    frame = pl.read_parquet(lab.store.place(dataset.current))
    assert frame["visited"].null_count() == 300, "today's label is not known today"
    assert dataset.frames[-1].frame.backfilled is False
    assert dataset.frames[-1].labels.mean > 0
    require_sound(lab)


def test_without_a_refit_the_trial_twin_itself_is_deployed(lab: Lab) -> None:
    plain = lab.again({"training.refit": False})
    versions = plain.store.versions()
    promotion = plain.refresh(SECOND)
    entry = plain.store.champion.lines()[-1].record
    assert promotion.decision == "promote"
    assert entry.version == entry.trial == comparison_of(plain, SECOND).trial
    assert plain.store.versions() == versions, "nothing more is fitted"
    assert scored(plain, SECOND).height == 300
    lab.again({"training.refit": False, "training.candidates": LINEAR}).refresh(THIRD)
    incumbent = comparison_of(plain, THIRD).incumbent
    assert incumbent is not None
    assert (incumbent.trial, incumbent.incomparable) == (entry.version, None)


def test_a_tuning_that_met_its_seconds_is_noted_where_a_person_looks(lab: Lab) -> None:
    hasty = lab.again(
        {"training.candidates": LINEAR, "training.tuning": {"trials": 10_000, "seconds": 1},
         "training.refit": False}
    )  # fmt: skip
    hasty.refresh(SECOND)
    line = hasty.store.candidates(hasty.day(SECOND), "linear").last()
    assert line is not None
    assert not line.record.repeatable
    (note,) = comparison_of(hasty, SECOND).notes
    trials = len(line.record.trials)
    assert note == (
        f"the tuning of linear met tuning.seconds after {trials} trials: this refresh can't be "
        "repeated exactly"
    )


def neighbour(lab: Lab, sql: str) -> None:
    """One more model in the fleet, whose query is this."""
    home = lab.fleet / "neighbour"
    shutil.copytree(lab.folder, home)
    text = (home / "model.yaml").read_text()
    (home / "model.yaml").write_text(text.replace(f"name: {NAME}", "name: neighbour", 1))
    (home / "features.sql").write_text(sql)


def test_a_model_whose_query_fails_delays_no_other(lab: Lab) -> None:
    lab.again(QUICK)
    neighbour(lab, FEATURES.replace("spend", "spent"))
    store = Store(lab.home)
    models = {model.name: model for model in load_fleet(lab.fleet, environment={})}
    with pytest.raises(EngineError, match=r"neighbour/features\.sql"):
        pipeline.refresh(models["neighbour"], store.model("neighbour"), lab.day(SECOND))
    promotion = pipeline.refresh(models[NAME], lab.store, lab.day(SECOND))
    assert promotion.decision == "promote"
    assert store.model("neighbour").refreshed() == []
    require_sound(lab)


def test_a_model_that_is_declared_wrongly_delays_no_other(lab: Lab) -> None:
    lab.again(QUICK)
    neighbour(lab, FEATURES)
    (lab.fleet / "neighbour" / "model.yaml").write_text("name: [")
    models, problems = read_fleet(lab.fleet, environment={})
    assert [model.name for model in models] == [NAME]
    assert len(problems) == 1
    assert pipeline.refresh(models[0], lab.store, lab.day(SECOND)).decision == "promote"


def test_a_model_whose_store_is_damaged_delays_no_other(lab: Lab) -> None:
    shutil.copytree(lab.store.root, lab.home / "neighbour")
    (lab.home / "neighbour" / "champion" / "00000001.json").write_text("{")
    assert lab.again(QUICK).refresh(SECOND).decision == "promote"
    require_sound(lab)
    assert list(verify(Store(lab.home), ["neighbour"])) != []


def test_a_refresh_whose_data_have_not_arrived_leaves_no_trace(lab: Lab) -> None:
    """It may begin when they come, and until then it is still due."""
    (lab.folder / "ready.sql").write_text("SELECT TIMESTAMP '2024-01-20'")
    source = {"engine": "duckdb", "tables": {"visits": "data/visits.parquet"}}
    waiting = lab.again({"source": {**source, "ready": "ready.sql"}})
    as_of, before = waiting.day(THIRD + 1), waiting.store.refreshed()
    reason = demanded(waiting.model, as_of, by="ann")
    with pytest.raises(NotDue, match="run again when the data has arrived"):
        refresh_alone(waiting.model, waiting.store, reason, holder=Holder.here("ann"))
    assert waiting.store.refreshed() == before
    query = waiting.model.definition.frame.digest()
    assert stamp(as_of) not in waiting.store.frame_instants(query)
    (lab.folder / "ready.sql").write_text("SELECT TIMESTAMP '2026-01-20'")
    arrived = waiting.again({"source": {**source, "ready": "ready.sql"}})
    refresh_alone(arrived.model, arrived.store, reason, holder=Holder.here("ann"))
    assert as_of in arrived.store.refreshed()
