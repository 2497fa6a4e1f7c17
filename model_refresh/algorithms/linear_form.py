"""Fitted linear models as forms of the scorer."""

from model_refresh.algorithms.linear_terms import (
    FURTHEST,
    FittedLinear,
    FittedMultinomial,
    NumberTerm,
)
from model_refresh.algorithms.outcome import LARGEST_FORM
from model_refresh.scorer.formula import linear as scorer
from model_refresh.scorer.formula.links import Chance, Classes, Softmax, Value


def one_sum(fitted: FittedLinear) -> scorer.LinearForm:
    """The form of a regression, or of a binary task."""
    link = Value() if fitted.task == "regression" else Chance(furthest=LARGEST_FORM)
    return scorer.LinearForm((_sum(fitted),), link)


def sums_by_class(fitted: FittedMultinomial) -> scorer.LinearForm:
    """The form of a multiclass task: a sum for each class that training rows had."""
    classes = Classes(
        count=len(fitted.present) + len(fitted.unmet.places),
        met=fitted.present,
        unmet_share=fitted.unmet.share,
    )
    sums = tuple(_sum(each) for each in fitted.forms)
    return scorer.LinearForm(sums, Softmax(classes, furthest=LARGEST_FORM))


def _sum(fitted: FittedLinear) -> scorer.Sum:
    return scorer.Sum(
        intercept=fitted.intercept,
        numbers=tuple(_number(term) for term in fitted.numbers),
        categories=tuple(
            scorer.CategoryTerm(column=term.column, weights=term.weights, mean=term.mean)
            for term in fitted.categories
        ),
    )


def _number(term: NumberTerm) -> scorer.NumberTerm:
    curve = None
    if term.spline is not None:
        spline = term.spline
        curve = scorer.Curve(spline.knots, spline.centres, spline.scales, spline.weights)
    return scorer.NumberTerm(
        column=term.column,
        centre=term.centre,
        scale=term.scale,
        weight=term.weight,
        missing=term.missing,
        furthest=FURTHEST,
        mean=term.mean,
        curve=curve,
    )
