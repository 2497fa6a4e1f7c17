"""LightGBM without what it would import besides.

Where they are installed, LightGBM imports scikit-learn, pandas, Dask, matplotlib and graphviz for
interfaces that are not used here. They take five times as long to import as LightGBM itself, in
each of the short processes that a refresh starts.
"""

import sys
from threading import Lock

_BESIDE = ("sklearn", "pandas", "dask", "matplotlib", "graphviz", "cffi")
_ONE_AT_A_TIME = Lock()


def prepare_lightgbm() -> None:
    """Import LightGBM, alone; `import lightgbm` after it finds it imported.

    What is in memory already stays as it is, LightGBM with all its interfaces too.
    """
    with _ONE_AT_A_TIME:
        if "lightgbm" in sys.modules:
            return
        hidden = [name for name in _BESIDE if name not in sys.modules]
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
        try:
            import lightgbm  # noqa: F401 - for its own sake
        finally:
            for name in hidden:
                del sys.modules[name]
