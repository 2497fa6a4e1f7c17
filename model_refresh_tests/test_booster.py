"""LightGBM comes alone into a process, and keeps nothing else out of it."""

import subprocess
import sys

_ALONE = """
import sys
from model_refresh.booster import prepare_lightgbm
prepare_lightgbm()
prepare_lightgbm()
assert "lightgbm" in sys.modules
assert not {"sklearn", "pandas", "matplotlib", "graphviz", "dask", "cffi"} & set(sys.modules)
import sklearn.base, pandas
"""

_AFTER = """
import sys
import sklearn
from model_refresh.booster import prepare_lightgbm
prepare_lightgbm()
assert sys.modules["sklearn"] is sklearn
"""


def _run(program: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_it_is_imported_alone_and_what_it_left_out_can_be_imported_later() -> None:
    _run(_ALONE)


def test_what_was_imported_before_stays_as_it_is() -> None:
    _run(_AFTER)
