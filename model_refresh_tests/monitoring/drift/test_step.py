"""The drift step on a real store: what is measured, of which rows, and that it is recorded once."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.exceptions import PanicException

from model_refresh import pipeline
from model_refresh.algorithms.version import read_lineage
from model_refresh.errors import NotStored
from model_refresh.monitoring.drift import compute_drift, newest_framed
from model_refresh.monitoring.drift.reading import most_rows, read_sample
from model_refresh.pipeline import production
from model_refresh.records import Drift, Frame
from model_refresh.storage.links import links
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import FEATURES, Lab


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """With all measures of drift."""
    return lab.again({"monitoring.drift.classifier": 0.65})


def drift_of(lab: Lab, day: int = SECOND) -> Drift:
    line = compute_drift(lab.model, lab.store, lab.day(day))
    assert line is not None
    return line.record


def busy(lab: Lab, day: int) -> None:
    """From a day on nearly everybody comes every day."""
    visits = lab.rows()
    late = pl.col("day") >= lab.day(day).date()
    often = (pl.col("customer_id") % 10 > 0).cast(pl.Int64)
    lab.damage(visits.with_columns(pl.when(late).then(often).otherwise("visited").alias("visited")))


def test_a_frame_like_those_before_has_no_drift(lab: Lab) -> None:
    found = drift_of(lab)
    assert not found.is_found
    assert found.sentence == f"no drift: {len(found.checks)} measures within their limits"
    assert {check.name for check in found.checks} == {
        "psi", "wasserstein", "jensen_shannon", "missing", "new_categories", "weighted",
        "classifier", "scores", "score_distance", "labels",
    }  # fmt: skip
    assert (found.rows, found.reference_rows) == (300, 900)
    assert {each.column for each in found.columns} == {
        "segment",
        "visits_14d",
        "visits",
        "most_spent",
    }
    assert sum(each.weight for each in found.columns) == pytest.approx(1)


def test_a_frame_of_other_rows_has(lab: Lab) -> None:
    busy(lab, FIRST)
    found = drift_of(lab, FIRST + 12)
    assert found.is_found
    assert found.sentence.startswith("drift: stability index of visits_14d ")
    assert found.furthest[0].column == "visits_14d"
    assert {"psi", "wasserstein", "classifier", "scores"} <= {
        check.name for check in found.checks if check.outcome == "failed"
    }


def test_it_is_measured_once_for_the_same_rows_champion_and_limits(lab: Lab) -> None:
    first = compute_drift(lab.model, lab.store, lab.day(SECOND))
    again = compute_drift(lab.model, lab.store, lab.day(SECOND))
    assert first == again
    assert len(lab.store.drifts(lab.day(SECOND)).lines()) == 1
    stricter = lab.again({"monitoring.drift": {"psi": 0.001}})
    assert drift_of(stricter).limits != drift_of(lab).limits
    assert lab.store.measured() == [lab.day(SECOND)]


def test_without_a_champion_there_is_nothing_to_hold_a_frame_against(fresh: Lab) -> None:
    assert compute_drift(fresh.model, fresh.store, fresh.day(FIRST)) is None
    assert fresh.store.measured() == []


def test_a_limit_of_null_is_not_asked_for(lab: Lab) -> None:
    names = ["classifier", "scores", "score_distance", "labels", "psi", "weighted"]
    silent = lab.again({"monitoring.drift": dict.fromkeys(names)})
    found = drift_of(silent)
    assert not {check.name for check in found.checks} & set(names)
    assert (found.classifier_auc, found.score_psi, found.label_shift) == (None, None, None)
    assert found.weighted is not None


def test_a_champion_of_other_sql_is_held_against_its_own_frame(lab: Lab) -> None:
    (lab.folder / "features.sql").write_text(FEATURES.replace("max(spend)", "2 * max(spend)"))
    newer = lab.again({})
    entry = lab.store.champion.last()
    assert entry is not None
    own = read_lineage(lab.store.version(entry.record.version)).definition.frame
    assert own != newer.model.definition.frame
    found = drift_of(newer)
    assert not found.is_found
    stored = lab.store.frames(own.digest(), lab.day(SECOND)).last()
    assert stored is not None
    assert stored.record.content == found.frame


def test_a_batch_leaves_the_drift_of_its_frame_behind(lab: Lab) -> None:
    assert pipeline.score(lab.model, lab.store, lab.day(FIRST)) is not None
    assert lab.store.measured() == [lab.day(FIRST)]


def test_scores_come_out_where_drift_can_not_be_measured(lab: Lab) -> None:
    lose_reference(lab)
    told = list[str]()
    line = pipeline.score(lab.model, lab.store, lab.day(SECOND), on_trouble=told.append)
    assert line is not None
    assert ["drift can't be measured" in each for each in told] == [True]
    assert lab.store.measured() == []
    with pytest.raises(NotStored):
        compute_drift(lab.model, lab.store, lab.day(SECOND))


@pytest.mark.parametrize(
    "error",
    [ValueError("NaN in input"), MemoryError(), OSError("stale file handle"), PanicException()],
)
def test_scores_come_out_and_it_is_told_whatever_goes_wrong_with_what_is_measured_of_them(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(production, "compute_drift", broken)
    monkeypatch.setattr(production, "record_estimate", broken)
    told = list[str]()
    line = pipeline.score(lab.model, lab.store, lab.day(SECOND), on_trouble=told.append)
    assert line is not None
    drift, estimate = told
    assert drift.startswith("the batch of 2024-01-26 is out, but drift can't be measured: ")
    assert "its performance can't be estimated: " in estimate
    assert type(error).__name__ in drift


def test_what_a_drift_rests_on_is_linked(lab: Lab) -> None:
    places = {link.place.parent.name for link in links(drift_of(lab), lab.store)}
    assert {drift_of(lab).version, "champion"} <= places


def test_the_newest_frame_is_the_newest_stored(lab: Lab) -> None:
    frame = pipeline.current_frame(lab.model, lab.store, lab.day(FIRST + 9))
    assert newest_framed(lab.model, lab.store) == frame.as_of


def test_without_a_frame_there_is_no_newest(fresh: Lab) -> None:
    with pytest.raises(NotStored, match="has no frame yet"):
        newest_framed(fresh.model, fresh.store)


def test_of_a_large_frame_the_same_rows_are_looked_at_each_time(lab: Lab) -> None:
    frame = pipeline.current_frame(lab.model, lab.store, lab.day(SECOND))
    some = read_sample(lab.store, frame, ["visits"], most=40)
    assert (some.rows, some.table.height) == (300, 40)
    assert some.table.equals(read_sample(lab.store, frame, ["visits"], most=40).table)
    whole = read_sample(lab.store, frame, ["visits"], most=300).table
    assert whole.join(some.table, on=["customer_id", "visits"], how="semi").equals(some.table)


def test_rows_are_picked_across_the_blocks_of_a_file(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pipeline.current_frame(lab.model, lab.store, lab.day(SECOND))
    expected = read_sample(lab.store, frame, ["segment", "visits"], most=100).table
    monkeypatch.setattr("model_refresh.monitoring.drift.reading._BLOCK_ROWS", 7)
    assert read_sample(lab.store, frame, ["segment", "visits"], most=100).table.equals(expected)


@pytest.mark.parametrize(("frames", "columns"), [(1, 1), (8, 50), (52, 20), (8, 5_000)])
def test_what_is_looked_at_is_bounded(frames: int, columns: int) -> None:
    each, now = most_rows(frames, columns)
    assert each * frames <= max(100_000, 1_000 * frames)
    assert columns * each * frames <= max(8_000_000, 1_000 * frames * columns)
    assert 1_000 <= now <= 20_000


def lose_reference(lab: Lab) -> None:
    """The rows of a frame that the champion learned from are gone."""
    entry = lab.store.champion.last()
    assert entry is not None
    frame: Frame = read_lineage(lab.store.version(entry.record.version)).frames[0].frame
    shutil.rmtree(Path(lab.store.place(frame)).parent)
