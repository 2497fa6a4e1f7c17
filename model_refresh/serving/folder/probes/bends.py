"""Probes where linear models bend, where carried values jump, and where calibrators do."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from model_refresh.scorer.formula.calibrators import Isotonic
from model_refresh.scorer.formula.forms import NaiveForm
from model_refresh.scorer.formula.formula import Formula, Member
from model_refresh.scorer.formula.linear import LinearForm, NumberTerm
from model_refresh.serving.folder.probes.near import Column, columns_of
from model_refresh.serving.folder.probes.probe import Probe, Unit
from model_refresh.serving.folder.probes.raw import RawRow


def bend_probes(formula: Formula, rows: Sequence[RawRow]) -> list[list[Unit]]:
    """By column the ends and knots of linear terms, and the values that are carried forward."""
    found: dict[Column, dict[float, str]] = {}
    for member in formula.members:
        columns = columns_of(formula.encodings[member.encoding])
        for place, value, note in _bends(member):
            column = columns[place]
            if column is not None:
                found.setdefault(column, {}).setdefault(value, note)
    return [
        [
            _unit(column, value, note=note, base=i % len(rows), rows=rows)
            for i, (value, note) in enumerate(sorted(places.items()))
        ]
        for column, places in found.items()
    ]


def breakpoint_probes(formula: Formula, scores: NDArray[np.float64]) -> list[list[Unit]]:
    """By breakpoint of an isotonic calibrator the real row whose score before it is nearest."""
    if not isinstance(formula.calibrator, Isotonic):
        return []
    units: dict[int, Unit] = {}
    for place in formula.calibrator.predicted:
        base = int(np.abs(scores - place).argmin())
        note = f"the calibrator has a breakpoint at {place!r}"
        units.setdefault(base, [Probe("breakpoint", note, base, {})])
    return [[*units.values()]]


def _unit(column: Column, value: float, *, note: str, base: int, rows: Sequence[RawRow]) -> Unit:
    values = column.around(value, rows[base][column.name], single=False)
    return [Probe("bend", note, base, {column.name: each}) for each in values]


def _bends(member: Member) -> Iterator[tuple[int, float, str]]:
    """Column, place and what is there."""
    match member.form:
        case NaiveForm(column=column, shares=shares):
            for value, _ in shares or ():
                yield column, value, f"a value that is carried forward is {value!r}"
        case LinearForm(sums=sums):
            for each in sums:
                for term in each.numbers:
                    for value in _ends_and_knots(term):
                        yield term.column, value, f"a term bends at {value!r}"


def _ends_and_knots(term: NumberTerm) -> list[float]:
    knots = term.curve.knots if term.curve is not None else (0.0,)
    inside = [place for place in knots if abs(place) < term.furthest]
    return [term.centre + term.scale * place for place in (-term.furthest, *inside, term.furthest)]
