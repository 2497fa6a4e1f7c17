"""The file of a batch: the same whatever the blocks, and no part of one where a block fails."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from model_refresh.algorithms.version import Single, Version, load_version
from model_refresh.errors import DataError
from model_refresh.refresh.frame import compute_frame
from model_refresh.serving.batch import writing as batch
from model_refresh.serving.batch.writing import Role, write_scores
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import Lab


def role_of(lab: Lab) -> Role:
    version = load_version(lab.store, lab.store.champion.lines()[-1].record.version)
    query = lab.model.definition.frame
    frame = compute_frame(lab.model, lab.store, lab.day(FIRST), query=query, backfilled=False)
    return Role(version, frame)


@pytest.mark.parametrize("rows", [1, 7, 299, 300])
def test_scores_do_not_depend_on_where_blocks_end(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    role, whole, cut = role_of(lab), tmp_path / "whole", tmp_path / "cut"
    write_scores(lab.store, whole, role, role)
    monkeypatch.setattr(batch, "BLOCK_ROWS", rows)
    write_scores(lab.store, cut, role, role)
    table = pl.read_parquet(cut)
    assert table.equals(pl.read_parquet(whole))
    assert table.columns == ["customer_id", "score", "challenger_score"]
    assert table["score"].equals(table["challenger_score"])
    assert table.height == role.frame.rows == 300


def test_a_block_whose_scores_are_not_finite_ends_the_batch(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = role_of(lab)
    assert isinstance(role.version.predictor, Single)
    asked = []

    def predict(self: Version, rows: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        asked.append(rows.height)
        return np.full(rows.height, np.nan if len(asked) == 2 else 0.5)

    monkeypatch.setattr(batch, "BLOCK_ROWS", 100)
    monkeypatch.setattr(Version, "predict", predict)
    with pytest.raises(DataError, match="100 scores that are not finite"):
        write_scores(lab.store, tmp_path / "scores", role, None)
    assert asked == [100, 100]


def test_a_frame_with_fewer_rows_than_it_says_is_no_batch(lab: Lab, tmp_path: Path) -> None:
    role = role_of(lab)
    told = role.frame.model_copy(update={"rows": 301})
    with pytest.raises(DataError, match="300 of 301 rows"):
        write_scores(lab.store, tmp_path / "scores", Role(role.version, told), None)
