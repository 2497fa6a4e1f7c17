"""A candidate made of several of its own trials: what won by a hair seldom wins next week.

Which trials come near the best one differs little from validation to the next period; which of
them is the best does. So different ones are averaged, with weights that fall softly with the loss.
Choosing them by how well they do together (as an ensemble of candidates does) was worse in every
comparison on data that moves: see docs/decisions/0007.
"""

import math
from collections.abc import Sequence

import numpy as np

from model_refresh.records import Member, Recipe
from model_refresh.refresh.predictions import Floats
from model_refresh.tuning import Trialled

_SOFTNESS = 0.1
"""A trial whose loss is so much above the best one's, relative to it, weighs 1/e as much."""
_LEAST_WEIGHT = 0.2
"""A trial that weighs less than this beside the best one's 1 is no member: it is broken."""
_ALIKE = 1e-12
"""Trials that differ by less are one."""


def blended(
    recipe: Recipe, kept: Sequence[Trialled], *, most: int
) -> tuple[Recipe, tuple[Floats, ...]]:
    """The recipe of at most `most` of the trials, and what it predicts of each fold.

    `kept` are trials with predictions, the best first. After the best one, each time the trial is
    taken that differs most from those that are in, discounted by its loss.
    """
    weights = _weights(kept)
    places = _different(kept, weights, most=most)
    shares = weights[places] / weights[places].sum()
    plain = recipe.model_copy(update={"parameters": kept[0].attempt.parameters})
    if len(places) == 1:
        return plain, kept[0].predictions
    members = tuple(
        Member(
            recipe=recipe.model_copy(update={"parameters": kept[place].attempt.parameters}),
            weight=float(share),
        )
        for place, share in zip(places, shares, strict=True)
    )
    folds = zip(*(kept[place].predictions for place in places), strict=True)
    predicted = tuple(np.tensordot(shares, np.stack(fold), axes=1) for fold in folds)
    return plain.model_copy(update={"members": members}), predicted


def _weights(kept: Sequence[Trialled]) -> Floats:
    """Of each trial, 1 for the best; shape (trials,)."""
    best = kept[0].attempt.loss
    scale = _SOFTNESS * abs(best) or 1.0
    return np.array([math.exp(-(each.attempt.loss - best) / scale) for each in kept])


def _different(kept: Sequence[Trialled], weights: Floats, *, most: int) -> list[int]:
    """The places of the trials to mix, the best one first."""
    predicted = np.stack([np.concatenate(each.predictions) for each in kept])
    rows = predicted.reshape(len(kept), -1)
    chosen = [0]
    apart = np.full(len(kept), np.inf)
    while len(chosen) < most:
        apart = np.minimum(apart, np.mean(np.square(rows - rows[chosen[-1]]), axis=1))
        merit = np.where(weights < _LEAST_WEIGHT, 0.0, weights * np.sqrt(apart))
        best = int(np.argmax(merit))
        if merit[best] <= _ALIKE:
            break
        chosen.append(best)
    return chosen
