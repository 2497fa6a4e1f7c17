"""How the champion's scores of a frame differ from those of rows that it has not learned from."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from model_refresh.algorithms.version import Version
from model_refresh.config.operation import DriftLimits
from model_refresh.drift import population_stability
from model_refresh.metrics.protocol import Floats
from model_refresh.monitoring.drift.allowance import Asked, Measured, measured
from model_refresh.monitoring.drift.chance import stability_chance
from model_refresh.monitoring.drift.columns import Ground, distance
from model_refresh.monitoring.drift.reading import Sample
from model_refresh.monitoring.drift.tallies import number_tally
from model_refresh.records import Entry, Frame
from model_refresh.refresh.frame import stored_frame
from model_refresh.serving.trial.shift import by_column, log_odds
from model_refresh.storage import ModelStore

MOST_FRAMES = 8
MOST_ROWS = 5_000
_BINS = 10
_LOOKS = 2
"""Two measures look at the same scores."""
_BLUR = 0.25
"""In standard deviations; see `serving.trial.shift`: many rows of one score move together."""


def unlearned_frames(
    store: ModelStore, version: Version, entry: Entry, *, before: dt.datetime
) -> list[Frame]:
    """The newest stored frames of the version's query that it has not learned from, oldest first.

    None is newer than the frame as of which it counts, so that later drift is not their measure.
    """
    query = version.lineage.definition.frame.digest()
    learned = {pair.as_of for pair in version.lineage.frames}
    found: list[Frame] = []
    for name in reversed(store.frame_instants(query)):
        instant = dt.datetime.fromisoformat(name).replace(tzinfo=dt.UTC)
        if instant in learned or instant >= before or instant > entry.as_of:
            continue
        if (frame := stored_frame(store, query, instant)) is not None:
            found.append(frame)
        if len(found) == MOST_FRAMES:
            break
    return found[::-1]


def scored_apart(
    scores: Sequence[Floats], ground: Ground, limits: DriftLimits
) -> tuple[Measured, Measured]:
    """Stability index and Wasserstein's distance of the last frame's scores against the others.

    Scores are as `linked` gives them. The index is blurred by a quarter of a standard deviation; of
    several classes the one furthest from its limit counts.
    """
    classes = list(zip(*(by_column(each) for each in scores), strict=True))
    asked = (
        Asked("scores", limits.scores, looks=_LOOKS),
        Asked("score_distance", limits.score_distance, "distance", looks=_LOOKS),
    )
    found = [_of_class(list(each), ground, *asked) for each in classes]
    return max((one for one, _ in found), key=_excess), max((two for _, two in found), key=_excess)


def linked(version: Version, sample: Sample) -> Floats:
    """The version's scores, chances on the scale of log odds; shape (rows,) or (rows, classes)."""
    scores = version.predict(sample.table)
    return scores if version.lineage.definition.task == "regression" else log_odds(scores)


def _of_class(
    scores: list[Floats], ground: Ground, index: Asked, move: Asked
) -> tuple[Measured, Measured]:
    """One column of scores: each frame against the reference's others, the last one last."""
    reference, current = scores[:-1], scores[-1]
    own = range(len(reference)) if len(reference) > 1 else range(0)
    held = [([*reference[:i], *reference[i + 1 :]], reference[i]) for i in own]
    values = [_stability(np.concatenate(r), c) for r, c in [*held, (reference, current)]]
    stability = measured(index, np.array(values), stability_chance(_BINS, ground.sizes))
    moved = distance(number_tally(move.name, scores), ground, move)
    return stability, moved or Measured(move.name, 0.0, None)


def _excess(found: Measured) -> float:
    return found.value / found.limit if found.limit else -1.0


def _stability(reference: Floats, current: Floats) -> float:
    return population_stability(reference, current, bins=_BINS, blur=_BLUR * float(reference.std()))
