"""A version's scorer for whoever serves it in this process: as it was tested, or built anew."""

import polars as pl

from model_refresh.algorithms.version import Version, load_version
from model_refresh.records import Frame
from model_refresh.scorer.manifest import FORMULA, GOLDEN
from model_refresh.serving.folder.formula import formula_of
from model_refresh.serving.folder.golden import golden_rows
from model_refresh.serving.scorers import stored_scorer
from model_refresh.serving.stored import newest_scorer
from model_refresh.storage import ModelStore
from model_refresh.storage.store import ROWS


def scorer_of(store: ModelStore, version: str) -> tuple[bytes, bytes]:
    """The formula and the golden rows of a version, verified; built anew where none are stored.

    Raises NotStored, CorruptError, and FitError where the version can't be written out.
    """
    scorer = newest_scorer(store, version)
    if scorer is not None:
        stored = stored_scorer(store, scorer)
        return stored.read(FORMULA), stored.read(GOLDEN)
    loaded = load_version(store, version)
    golden = golden_rows(loaded, _newest_rows(store, loaded))
    return formula_of(loaded).encode(), golden.encode()


def _newest_rows(store: ModelStore, version: Version) -> pl.DataFrame:
    """The newest stored frame of the version's own query; no row where none is stored."""
    features = version.recipe.features
    frame = _newest_frame(store, version)
    if frame is None:
        return pl.DataFrame(schema={each.name: pl.Null() for each in features})
    stored = store.content(store.frames(frame.query, frame.as_of), frame.content)
    return pl.read_parquet(stored.file(ROWS), columns=[each.name for each in features])


def _newest_frame(store: ModelStore, version: Version) -> Frame | None:
    query = version.lineage.definition.frame.digest()
    for as_of in reversed(store.refreshed()):
        line = store.frames(query, as_of).last()
        if line is not None:
            return line.record
    return None
