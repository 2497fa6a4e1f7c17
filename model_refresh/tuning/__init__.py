"""Tuning: which parameters of an algorithm do best on rows that are later than what it learns from.

`search` asks for parameters, `bench` tries them on every fold, `journal` keeps what was tried: a
search that was killed goes on where it stood.
"""

from model_refresh.tuning.bench import Attempt, Ground, Trialled
from model_refresh.tuning.journal import Journal
from model_refresh.tuning.search import Budget, Choice, Plan, Told, Tuned, tune

__all__ = [
    "Attempt",
    "Budget",
    "Choice",
    "Ground",
    "Journal",
    "Plan",
    "Told",
    "Trialled",
    "Tuned",
    "tune",
]
