"""Metrics of predictions against outcomes, and paired statistics on the same holdout rows."""

from model_refresh.metrics.catalogue import METRICS, forms, metric, names, pattern, serves
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
    "forms",
    "metric",
    "names",
    "paired",
    "pattern",
    "serves",
]
