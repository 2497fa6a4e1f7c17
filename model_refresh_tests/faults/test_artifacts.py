"""What is deleted or planted below the store is named; a champion that is lost can be replaced."""

import shutil
import sys

import pytest

from model_refresh import pipeline
from model_refresh.errors import NotStored
from model_refresh.refresh.override import roll_back
from model_refresh.storage.store import stamp
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.faults.world import champions, command, problems, run
from model_refresh_tests.lab import NAME, Lab


def lose_the_champion(lab: Lab) -> str:
    """Refresh twice, then delete what is in production."""
    lab.refresh(SECOND)
    first, second = champions(lab)
    shutil.rmtree(lab.store.versions_folder / second)
    return first


def test_a_champion_whose_artifact_was_deleted_is_said_and_rollback_is_offered(lab: Lab) -> None:
    first = lose_the_champion(lab)
    score = command(lab, "score", NAME, "--as-of", stamp(lab.day(SECOND + 1)))
    ended = run([sys.executable, *score])
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert "manifest.json is missing from the store" in line
    assert f"model-refresh rollback {NAME} --reason ..." in line
    assert any(champions(lab)[1] in problem for problem in problems(lab))
    roll_back(lab.store, to=None, who="ann", reason="it was deleted")
    scores = pipeline.score(lab.model, lab.store, lab.day(SECOND + 1))
    assert scores is not None
    assert scores.record.champion == first


@pytest.mark.parametrize("file", ["model.json", "encoder.json", "recipe.json", "lineage.json"])
def test_a_champion_of_which_one_file_was_deleted_scores_nothing(lab: Lab, file: str) -> None:
    (name,) = champions(lab)
    (lab.store.versions_folder / name / file).unlink()
    with pytest.raises(NotStored, match=rf"{file} is missing.*model-refresh rollback {NAME}"):
        pipeline.score(lab.model, lab.store, lab.day(SECOND))
    assert lab.store.scores(lab.day(SECOND)).lines() == []


def test_a_refresh_goes_on_without_the_champions_artifact(lab: Lab) -> None:
    lose_the_champion(lab)
    assert lab.refresh(SECOND + 1).entry == 3
    assert pipeline.score(lab.model, lab.store, lab.day(SECOND + 1)) is not None


PLANTED = b"cposix\nsystem\n(S'touch canary'\ntR."
"""A pickle that writes a file when it is loaded."""


@pytest.mark.parametrize(
    "file", ["model.pkl", "model.joblib", "model.onnx", "pickle.py", "numpy.py"]
)
def test_a_planted_file_is_never_opened_and_is_named(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.chdir(lab.home)
    (name,) = champions(lab)
    planted = lab.store.versions_folder / name / file
    planted.write_bytes(b"open('canary', 'w')" if file.endswith(".py") else PLANTED)
    assert pipeline.score(lab.model, lab.store, lab.day(SECOND)) is not None
    (problem,) = problems(lab)
    assert problem == f"{planted} is not in the manifest: nothing reads it, remove it"
    assert list(lab.home.parent.rglob("canary")) == []
