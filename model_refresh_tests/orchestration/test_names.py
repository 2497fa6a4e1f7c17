"""Keys, tags, and how a model's dates become partitions."""

import datetime as dt
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.orchestration.names import partitions, refresh_selection, score_selection
from model_refresh_tests.factories import make_model

CADENCES = {
    "1h": "1998-03-01T12:30Z",
    "4h": "1998-03-01T02:00Z",
    "12h": "1998-03-01T09:15Z",
    "1d": "1998-02-20T06:00Z",
    "7d": "1997-03-05",
    "1mo": "1997-02-28T23:59Z",
}


@pytest.fixture(params=list(CADENCES.items()), ids=list(CADENCES))
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Model:
    every, start = request.param
    return make_model(tmp_path, every=every, start=start)


def test_partitions_are_the_frames_to_the_newest_whose_window_is_open(model: Model) -> None:
    newest = model.cadence.floor(dt.datetime(1998, 3, 2, 9, 20, tzinfo=dt.UTC))
    assert newest is not None
    for now in (newest, model.cadence.next(newest) - dt.timedelta(seconds=1)):
        keys = partitions(model).get_partition_keys(current_time=now)
        expected = [model.cadence.key(instant) for instant in model.cadence.instants(now)]
        assert keys == expected[::-1]
    before = partitions(model).get_partition_keys(current_time=newest - dt.timedelta(seconds=1))
    assert before == expected[:0:-1]


def test_a_refresh_is_all_but_the_scores_and_scoring_is_the_frame_and_the_scores(
    tmp_path: Path,
) -> None:
    model = make_model(tmp_path)
    steps = ["/".join(key.path[1:]) for key in refresh_selection(model)]
    assert steps == [
        "features",
        "dataset",
        "candidates/constant",
        "candidates/linear",
        "comparison",
        "challenger",
        "trial_scores",
        "champion",
    ]
    assert ["/".join(key.path[1:]) for key in score_selection(model)] == ["features", "scores"]
