"""Feature encoding: fitted on training rows, stored as JSON, the same at training and scoring.

Each row is encoded by itself: its values don't depend on the rows or columns around it.
"""

from model_refresh.features.encoder import Encoder
from model_refresh.features.kinds import (
    CategoryFeature,
    Dropped,
    Feature,
    IndicatorFeature,
    MomentFeature,
    NumberFeature,
    TargetFeature,
)
from model_refresh.features.matrix import Matrix
from model_refresh.features.target import TimedLabels

__all__ = [
    "CategoryFeature",
    "Dropped",
    "Encoder",
    "Feature",
    "IndicatorFeature",
    "Matrix",
    "MomentFeature",
    "NumberFeature",
    "TargetFeature",
    "TimedLabels",
]
