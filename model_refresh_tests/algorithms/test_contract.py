import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from model_refresh.algorithms import AnyAlgorithm
from model_refresh_tests.contracts.algorithms import AlgorithmContract, cases

_FIT_ALL = """
import sys, tempfile, pathlib
from typing import get_args
import pytest

from model_refresh.algorithms import AnyAlgorithm
from model_refresh_tests.algorithms.rows import make_known
from model_refresh_tests.contracts.algorithms import make_quick, saved
for kind in get_args(AnyAlgorithm):
    algorithm = make_quick(kind)
    for task in algorithm.tasks():
        fit = algorithm.fit(
            make_known(task), task=task, parameters={}, seed=3, early=make_known(task, seed=1)
        )
        print(kind.__name__, task, fit.parameters, saved(fit.fitted, pathlib.Path(tempfile.mkdtemp())))
"""


@pytest.mark.parametrize(("kind", "task"), cases(get_args(AnyAlgorithm)))
class TestEveryAlgorithm(AlgorithmContract):
    """Each algorithm of the union, for each task."""


def test_another_process_with_other_threads_and_hashes_saves_the_same_bytes() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", _FIT_ALL],
            env=os.environ | {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout.decode()
        for seed, threads in (("1", "1"), ("2", "2"))
    ]
    kinds = get_args(AnyAlgorithm)
    assert said[0].count("\n") == len(cases(kinds))
    assert said[0] == said[1]


def test_the_family_is_imported_without_any_library_that_takes_a_second() -> None:
    heavy = "{'catboost', 'lightgbm', 'optuna', 'scipy', 'sklearn', 'xgboost'} & set(sys.modules)"
    modules = "model_refresh.algorithms, model_refresh.tuning, model_refresh.isolation"
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {modules}; print({heavy})"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    assert told.stdout.decode().strip() == "set()"
