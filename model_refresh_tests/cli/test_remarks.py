"""What a line says of each candidate, also of one that stayed away."""

import datetime as dt
from pathlib import Path

from model_refresh.cli.remarks import remark
from model_refresh.records import Candidate
from model_refresh_tests.cli.terminal import day, run
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import NAME, make_lab

AS_OF = dt.datetime(2024, 1, 26, tzinfo=dt.UTC)


def test_a_candidate_that_stayed_away_says_why() -> None:
    away = Candidate(as_of=AS_OF, name="ensemble", dataset="0" * 64, dropped="it is no better")
    assert remark(away, "log_loss") == "left out: it is no better"


def test_a_refresh_goes_on_where_a_candidate_stays_away(tmp_path: Path) -> None:
    names = ["constant", "linear", "recalibrated", "ensemble"]
    lab = make_lab(tmp_path, {"training.candidates": [{"algorithm": name} for name in names]})
    ended = run(lab, "refresh", NAME, "--as-of", day(lab, FIRST))
    assert ended.code == 0, ended.err
    (told,) = [line for line in ended.err.splitlines() if "candidate recalibrated" in line]
    assert "left out: " in told
