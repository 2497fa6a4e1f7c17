"""How published batches did: graded once their labels have matured, and what follows from decay."""

from model_refresh.monitoring.performance.estimates import record_estimate
from model_refresh.monitoring.performance.grading import grade
from model_refresh.monitoring.performance.looks import (
    gradable_from,
    is_gradable,
    next_gradable,
    ungraded,
)
from model_refresh.monitoring.performance.remedy import apply_decay_policy, remedy_of

__all__ = [
    "apply_decay_policy",
    "gradable_from",
    "grade",
    "is_gradable",
    "next_gradable",
    "record_estimate",
    "remedy_of",
    "ungraded",
]
