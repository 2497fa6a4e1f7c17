"""A search that is killed in the trial after so many: `killed JOURNAL TRIALS`."""

import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from model_refresh.algorithms.protocol import Fit, Parameters, Rows
from model_refresh.records import Task
from model_refresh.tuning import Journal, tune
from model_refresh_tests.tuning.grounds import Guess, Levels, distance
from model_refresh_tests.tuning.test_journal import PLAN

FOLDS = (10.0, 9.0)


@dataclass(frozen=True)
class Dying(Guess):
    """A guess that dies in the fit after so many trials are in the journal."""

    journal: Path = Path()
    trials: int = 0
    seen: list[int] = field(default_factory=list)

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        finished = self.journal.read_bytes().count(b"\n") if self.journal.exists() else 0
        if finished == self.trials:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(train, task=task, parameters=parameters, seed=seed, early=early)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    dying = Dying(journal=path, trials=int(sys.argv[2]))
    tune(dying, Levels(FOLDS), task="regression", plan=PLAN, loss=distance, journal=Journal(path))
