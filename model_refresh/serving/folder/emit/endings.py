"""From totals to scores, and from scores to calibrated ones, as text."""

import math
from typing import assert_never

from model_refresh.scorer.formula.calibrators import Beta, Calibrator, Isotonic, Line, Platt
from model_refresh.scorer.formula.links import Chance, Classes, Level, Levels, Link, Softmax, Value
from model_refresh.serving.folder.emit.source import function, literal, values


def linked(link: Link, totals: str) -> str:
    """The scores, a tuple; `totals` is an expression of one total, or a sequence of several."""
    match link:
        case Value():
            return f"({totals},)"
        case Chance(furthest=None):
            return f"(logistic({totals}),)"
        case Chance(furthest=furthest):
            return f"(logistic(bounded({totals}, {literal(furthest)})),)"
        case Level(least=least):
            return f"(min(max({totals}, {literal(least)}), {literal(1 - least)}),)"
        case Softmax(classes=classes, furthest=furthest):
            most = "inf" if furthest is None else literal(furthest)
            return _placed(classes, f"softmax({totals}, {most})")
        case Levels(classes=classes, least=least):
            within = f"min(max(total, {literal(least)}), {literal(1 - least)})"
            return _placed(classes, f"[{within} for total in {totals}]")
        case _:
            assert_never(link)


def calibrated(calibrator: Calibrator) -> str:
    """The function `calibrated`, and before it the tables that it looks into."""
    head = "calibrated(raw: float) -> float"
    match calibrator:
        case Platt(intercept=intercept, slope=slope):
            lines = ["low, high = log_of(raw)"]
            lines += [f"return chance({literal(intercept)} + {literal(slope)} * (low - high))"]
            return function(head, "A line through the log odds.", lines)
        case Beta(a=a, b=b, c=c):
            lines = ["low, high = log_of(raw)"]
            told = f"{literal(c)} + {literal(a)} * low + {literal(b)} * -high"
            return function(
                head,
                "Log odds linear in log p and log (1 - p).",
                [*lines, f"return chance({told})"],
            )
        case Line(intercept=intercept, slope=slope):
            told = f"finite({literal(intercept)} + {literal(slope)} * raw)"
            return function(head, "A line of outcomes on predictions.", [f"return {told}"])
        case Isotonic(predicted=predicted, calibrated=levels):
            return _isotonic(head, predicted, levels)
        case _:
            assert_never(calibrator)


def _isotonic(head: str, predicted: tuple[float, ...], levels: tuple[float, ...]) -> str:
    if len(predicted) == 1:
        return function(head, "The one level that there is.", [f"return {literal(levels[0])}"])
    tables = f"PREDICTED = {values(predicted)}\nCALIBRATED = {values(levels)}"
    about = "Lines from breakpoint to breakpoint, never falling."
    return f"{tables}\n\n\n" + function(
        head, about, ["return interpolated(raw, PREDICTED, CALIBRATED)"]
    )


def _placed(classes: Classes, odds: str) -> str:
    if len(classes.met) == classes.count:
        return f"proportional({odds})"
    share = literal(classes.unmet_share if math.isfinite(classes.unmet_share) else 0.0)
    return f"placed({odds}, {values(classes.met)}, count={classes.count}, unmet_share={share})"
