"""Keeps predictive models fresh: dataset, candidates, comparison, champion, scores."""

__version__ = "0.1.0"
