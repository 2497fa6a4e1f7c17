import os
import subprocess
import sys
from pathlib import Path

from model_refresh_tests.contracts.algorithms import AlgorithmContract

_FIT_ALL = """
import sys, tempfile, pathlib
from typing import get_args
from model_refresh.algorithms import AnyAlgorithm
from model_refresh.records import Task
from model_refresh_tests.algorithms.rows import make_rows
from model_refresh_tests.contracts.algorithms import saved
for kind in get_args(AnyAlgorithm):
    for task in get_args(Task):
        fitted, used = kind().fit(
            make_rows(task), task=task, parameters={}, seed=3, early=make_rows(task, seed=1)
        )
        print(kind.__name__, task, used, saved(fitted, pathlib.Path(tempfile.mkdtemp())))
"""


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
    assert said[0].count("model.") == 9
    assert said[0] == said[1]


def test_the_family_is_imported_without_any_library_that_takes_a_second() -> None:
    heavy = "{'lightgbm', 'optuna', 'scipy', 'sklearn'} & set(sys.modules)"
    modules = "model_refresh.algorithms, model_refresh.tuning, model_refresh.isolation"
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {modules}; print({heavy})"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    assert told.stdout.decode().strip() == "set()"
