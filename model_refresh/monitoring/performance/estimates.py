"""What a batch lets expect of itself, recorded when it is scored, until labels come."""

from model_refresh.config.model import Model
from model_refresh.metrics.expected import expected_metrics
from model_refresh.monitoring.performance.batch import kept_chances
from model_refresh.records import Estimate, Scores
from model_refresh.storage import Line, ModelStore


def record_estimate(model: Model, store: ModelStore, scores: Scores) -> Line[Estimate] | None:
    """The estimate of a published batch; None for a regression, which has none, and of no rows."""
    if model.spec.task == "regression" or not scores.rows:
        return None
    log = store.estimates(scores.as_of)
    last = log.last()
    if last is not None and last.key == scores.content:
        return last
    estimate = Estimate(
        as_of=scores.as_of,
        batch=scores.content,
        version=scores.champion,
        metrics=expected_metrics(kept_chances(model, store, scores)),
    )
    return log.record_once(estimate, key=scores.content)
