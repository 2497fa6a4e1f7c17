"""Metrics of predictions against outcomes, and paired statistics on the same holdout rows."""

from model_refresh.metrics.catalogue import METRICS, metric, names
from model_refresh.metrics.comparison import compare_metrics, evaluate, paired
from model_refresh.metrics.holdout import Holdout, Predicted
from model_refresh.metrics.protocol import Metric

__all__ = [
    "METRICS",
    "Holdout",
    "Metric",
    "Predicted",
    "compare_metrics",
    "evaluate",
    "metric",
    "names",
    "paired",
]
