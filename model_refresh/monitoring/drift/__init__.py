"""Drift: a frame beside the rows that its champion learned from; docs/how-to/drift.md."""

from model_refresh.monitoring.drift.step import compute_drift, newest_framed

__all__ = ["compute_drift", "newest_framed"]
