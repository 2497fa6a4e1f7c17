"""The words: what each step hands to the next, as small frozen values.

A record points at stored files by digest and never holds a table. Its own digest covers every
field; what a clock or a meter said (`recorded_at`, `Cost`) is kept beside it, outside of it, so
that the same inputs give the same digests.
"""

from model_refresh.records.base import (
    ColumnType,
    Decision,
    Digest,
    Instant,
    Record,
    Severity,
    Task,
    canonical_json,
)
from model_refresh.records.data import (
    CheckResult,
    Column,
    Dataset,
    Definition,
    Frame,
    FramePlan,
    FrameQuery,
    LabelledFrame,
    LabelQuery,
    Labels,
)
from model_refresh.records.fits import Candidate, Cost, Lineage, Recipe, Trial
from model_refresh.records.judgement import (
    Challenger,
    Comparison,
    Entry,
    GateResult,
    Incumbent,
    Interval,
    MetricComparison,
    Promotion,
    Scores,
    Verdict,
)

__all__ = [
    "Candidate",
    "Challenger",
    "CheckResult",
    "Column",
    "ColumnType",
    "Comparison",
    "Cost",
    "Dataset",
    "Decision",
    "Definition",
    "Digest",
    "Entry",
    "Frame",
    "FramePlan",
    "FrameQuery",
    "GateResult",
    "Incumbent",
    "Instant",
    "Interval",
    "LabelQuery",
    "LabelledFrame",
    "Labels",
    "Lineage",
    "MetricComparison",
    "Promotion",
    "Recipe",
    "Record",
    "Scores",
    "Severity",
    "Task",
    "Trial",
    "Verdict",
    "canonical_json",
]
