"""Measures of shift between two samples: one function a file, NumPy in, a float out.

They are effect sizes, not tests: what size is too much is for who asks. Those of counts take many
samples at once. To add one: a file.
"""

from model_refresh.drift.areas import counted_wasserstein
from model_refresh.drift.bins import quantile_cuts
from model_refresh.drift.categories import new_share, unseen_share
from model_refresh.drift.classifier import separability
from model_refresh.drift.counted import counted_stability
from model_refresh.drift.jensen_shannon import jensen_shannon
from model_refresh.drift.psi import population_stability
from model_refresh.drift.ranks import rank_correlation
from model_refresh.drift.tenths import far_share, moves, tenths, top_overlap
from model_refresh.drift.tiers import tier_flips
from model_refresh.drift.wasserstein import wasserstein

__all__ = [
    "counted_stability",
    "counted_wasserstein",
    "far_share",
    "jensen_shannon",
    "moves",
    "new_share",
    "population_stability",
    "quantile_cuts",
    "rank_correlation",
    "separability",
    "tenths",
    "tier_flips",
    "top_overlap",
    "unseen_share",
    "wasserstein",
]
