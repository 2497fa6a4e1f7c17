"""A rollback while a batch is computed: one version a batch, and the next frame has the new one (F35).

The batch is computed in a process of its own, which is stopped between two blocks of its rows while
somebody rolls back, or raced by somebody who does so all the time.
"""

import datetime as dt
import multiprocessing
import os
import signal
import time
from collections import Counter
from multiprocessing.context import SpawnProcess
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from model_refresh import pipeline
from model_refresh.algorithms.version import load_version
from model_refresh.config.fleet import load_fleet
from model_refresh.pipeline.production import current_frame
from model_refresh.records import Scores
from model_refresh.refresh.override import override, roll_back
from model_refresh.refresh.rows import load_frame
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab, copy_lab, make_visits

CUSTOMERS = 250_000
"""Rows of a frame: several blocks of any batch."""
WIDE = {"checks.row_count_factor": 1000}
THIRD = SECOND + 1
NEXT = THIRD + 1
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def many(refreshed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Two champions, and two frames of many rows that are not scored yet."""
    lab = copy_lab(refreshed, tmp_path_factory.mktemp("many"), WIDE)
    assert lab.refresh(SECOND).decision == "promote"
    day = (lab.day(THIRD) - dt.timedelta(days=1)).date()
    one_day = make_visits(CUSTOMERS, days=1).with_columns(day=pl.lit(day))
    lab.damage(one_day.select(lab.rows().columns))
    for number in (THIRD, NEXT):
        assert current_frame(lab.model, lab.store, lab.day(number)).rows == CUSTOMERS
    return lab


@pytest.fixture
def wide(many: Lab, tmp_path: Path) -> Lab:
    """A copy of it."""
    return copy_lab(many, tmp_path, WIDE)


def champions(lab: Lab) -> list[str]:
    return [line.record.version for line in lab.store.champion.lines()]


def scores_of(lab: Lab, version: str, number: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """What a version says of each row of a frame, asked by itself."""
    loaded = load_version(lab.store, version)
    frame = current_frame(lab.model, lab.store, lab.day(number))
    names = [column.name for column in loaded.recipe.features]
    return loaded.predict(load_frame(lab.store, frame, names))


def require_of_its_entry(lab: Lab, batch: Scores) -> None:
    """All rows of a batch, and its record, are of the version that its entry names."""
    entry = lab.store.champion.line(batch.entry).record
    assert batch.champion == entry.version
    found = pl.read_parquet(lab.store.place(batch))["score"].to_numpy()
    number = (batch.as_of - lab.day(0)).days
    expected = {version: scores_of(lab, version, number) for version in set(champions(lab))}
    assert len(found) == CUSTOMERS
    np.testing.assert_allclose(found, expected[entry.version], rtol=0, atol=1e-12)
    for version, others in expected.items():
        alike = np.abs(found - others) < 1e-12
        assert version == entry.version or not alike.any(), "no row is the other version's"


def _score_in_a_process(fleet: Path, home: Path, as_of: dt.datetime, times: int) -> None:
    (model,) = load_fleet(fleet, environment={})
    for _ in range(times):
        pipeline.score(model, Store(home).model(NAME), as_of, again=True)


def scoring(lab: Lab, number: int, *, times: int = 1) -> SpawnProcess:
    args = (lab.fleet, lab.home, lab.day(number), times)
    child = multiprocessing.get_context("spawn").Process(target=_score_in_a_process, args=args)
    child.start()
    return child


def stop_once_rows_are_written(lab: Lab, child: SpawnProcess, number: int) -> int:
    """Stop the process when its draft holds rows; how many bytes there were."""
    folder, end = lab.store.scores(lab.day(number)).folder, time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and child.is_alive():
        written = sum(path.stat().st_size for path in folder.glob(".tmp-*/*.parquet"))
        if written > 1000:
            os.kill(child.pid or 0, signal.SIGSTOP)
            return sum(path.stat().st_size for path in folder.glob(".tmp-*/*.parquet"))
    raise AssertionError("the batch was over before it could be stopped")


def test_a_rollback_between_two_blocks_of_a_batch_leaves_it_whole_and_meets_the_next_frame(
    wide: Lab,
) -> None:
    first, second = champions(wide)
    child = scoring(wide, THIRD)
    written = stop_once_rows_are_written(wide, child, THIRD)
    try:
        assert wide.store.scores(wide.day(THIRD)).lines() == [], "nothing is published yet"
        roll_back(wide.store, to=None, who="ann", reason="complaints")
    finally:
        os.kill(child.pid or 0, signal.SIGCONT)
    child.join()
    assert child.exitcode == 0
    (line,) = wide.store.scores(wide.day(THIRD)).lines()
    assert wide.store.place(line.record).stat().st_size > written, "rows came after the rollback"
    assert (line.record.entry, line.record.champion) == (2, second)
    require_of_its_entry(wide, line.record)
    after = pipeline.score(wide.model, wide.store, wide.day(NEXT))
    assert after is not None
    assert (after.record.entry, after.record.champion) == (3, first)
    require_of_its_entry(wide, after.record)
    again = pipeline.score(wide.model, wide.store, wide.day(THIRD), again=True)
    assert again is not None
    assert (again.number, again.record.entry) == (2, 3)
    require_of_its_entry(wide, again.record)
    assert list(verify(Store(wide.home), [NAME])) == []


def test_batches_raced_by_rollbacks_are_each_of_one_version(wide: Lab) -> None:
    first, second = champions(wide)
    child = scoring(wide, THIRD, times=12)
    while child.is_alive():
        roll_back(wide.store, to=first, who="ann", reason="complaints")
        time.sleep(0.05)
        override(wide.store, second, as_of=wide.day(SECOND), who="bob", reason="it was fine")
        time.sleep(0.05)
    child.join()
    assert child.exitcode == 0
    batches = [line.record for line in wide.store.scores(wide.day(THIRD)).lines()]
    met = Counter(batch.champion for batch in batches)
    assert set(met) == {first, second}, "the race must meet both versions"
    for batch in batches:
        require_of_its_entry(wide, batch)
    assert list(verify(Store(wide.home), [NAME])) == []
