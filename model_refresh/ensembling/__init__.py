"""Ensembles: which models are better together, by their predictions of validation rows.

Greedy selection with replacement from a library of models (Caruana et al. 2004), and a judge that
says whether the average is worth having beside the best single model.
"""

from model_refresh.ensembling.judgement import Judgement, judge
from model_refresh.ensembling.library import Library
from model_refresh.ensembling.selection import Weights, select

__all__ = ["Judgement", "Library", "Weights", "judge", "select"]
