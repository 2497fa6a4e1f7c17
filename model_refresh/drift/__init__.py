"""Measures of shift between two samples: one function a file, NumPy in, a float out.

They are effect sizes, not tests: what size is too much is for who asks. To add one: a file.
"""

from model_refresh.drift.psi import population_stability
from model_refresh.drift.ranks import rank_correlation
from model_refresh.drift.tenths import far_share, moves, tenths, top_overlap
from model_refresh.drift.tiers import tier_flips
from model_refresh.drift.wasserstein import wasserstein

__all__ = [
    "far_share",
    "moves",
    "population_stability",
    "rank_correlation",
    "tenths",
    "tier_flips",
    "top_overlap",
    "wasserstein",
]
