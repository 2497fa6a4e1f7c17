"""The golden rows of a version: real ones, and synthetic ones at every place where scores may turn.

Their scores are the reference's, `Version.predict` with the version's own encoder: a scorer is
right where it gives them too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.algorithms.version import Version
from model_refresh.scorer.formula.columns import columns_of, owners
from model_refresh.scorer.formula.formula import Formula, Input
from model_refresh.scorer.golden import Case, Golden, Value
from model_refresh.serving.folder.formula import formula_of
from model_refresh.serving.folder.probes.bends import bend_probes, breakpoint_probes
from model_refresh.serving.folder.probes.listed import category_probes, extreme_probes, null_probes
from model_refresh.serving.folder.probes.probe import Probe, Unit, choose, shares, size, spread
from model_refresh.serving.folder.probes.raw import RawRow, json_row, raw_rows, table_of
from model_refresh.serving.folder.probes.splits import split_probes

MOST_ROWS = 2000
"""So many are answered in a second, and their file has about a megabyte."""
_MOST_REAL = 300
_BASES = 5000
"""Real rows of which one is looked for that comes to a split."""

Kinds = Sequence[Sequence[Sequence[Unit]]]
"""By kind, by column."""


def golden_rows(version: Version, rows: pl.DataFrame, *, most: int = MOST_ROWS) -> Golden:
    """At most so many golden rows; `rows` are real ones, a frame of the version's own query.

    Where all would be too many, each kind has its fair share, and each column within it. Raises
    FitError where a member of the version can't be written out.
    """
    formula = formula_of(version)
    bases = rows[spread(range(rows.height), _BASES)]
    raw = raw_rows(bases, formula.inputs) or [{each.name: None for each in formula.inputs}]
    real = _real_places(raw[: bases.height], formula.inputs, min(_MOST_REAL, most))
    kinds = _kinds(version, formula, bases, raw)
    probes = _chosen(kinds, most - len(real))
    cases = [
        *_real_cases(version, bases[real], [raw[place] for place in real]),
        *_probed_cases(version, formula.inputs, probes, raw),
    ]
    made = Counter(
        probe.kind for kind in kinds for column in kind for unit in column for probe in unit
    )
    left_out = made - Counter(case.kind for case in cases)
    return Golden(
        model=formula.model,
        version=formula.version,
        artifact=formula.artifact,
        classes=formula.classes,
        cases=tuple(_distinct(cases)),
        left_out=dict(sorted(left_out.items())),
    )


def _real_places(rows: Sequence[RawRow], inputs: Sequence[Input], most: int) -> list[int]:
    """The first row, the last, one with a null of each input that has any, others between."""
    blank = {each.name: _first_blank(rows, each.name) for each in inputs}
    ends = (0, len(rows) - 1)
    wanted = dict.fromkeys(place for place in (*ends, *blank.values()) if place is not None)
    for place in spread(range(len(rows)), most):
        wanted.setdefault(place)
    return sorted([*wanted][:most]) if rows else []


def _first_blank(rows: Sequence[RawRow], name: str) -> int | None:
    return next((place for place, row in enumerate(rows) if row[name] is None), None)


def _kinds(version: Version, formula: Formula, bases: pl.DataFrame, raw: Sequence[RawRow]) -> Kinds:
    """All that could be asked."""
    matrices = [
        np.array([*map(columns_of(each), raw)]).reshape(len(raw), len(owners(each)))
        for each in formula.encodings
    ]
    return [
        *split_probes(formula, matrices, raw),
        category_probes(formula, raw),
        bend_probes(formula, raw),
        breakpoint_probes(formula, version.raw(bases)) if bases.height else [],
        null_probes(formula, raw),
        extreme_probes(formula, raw),
    ]


def _chosen(kinds: Kinds, most: int) -> list[Probe]:
    counts = shares([sum(map(size, kind)) for kind in kinds], most)
    return [
        probe for kind, count in zip(kinds, counts, strict=True) for probe in choose(kind, count)
    ]


def _real_cases(version: Version, table: pl.DataFrame, raw: Sequence[RawRow]) -> Iterator[Case]:
    """Rows as the frame has them, scored as they are."""
    for row, scores in zip(raw, _scores(version, table), strict=True):
        if np.isfinite(scores).all():
            yield Case(json_row(row), tuple(scores.tolist()), "real")


def _probed_cases(
    version: Version, inputs: Sequence[Input], probes: Sequence[Probe], raw: Sequence[RawRow]
) -> Iterator[Case]:
    rows = [{**raw[probe.base], **probe.changes} for probe in probes]
    told = _scores(version, table_of(rows, inputs))
    for probe, row, scores in zip(probes, rows, told, strict=True):
        if np.isfinite(scores).all():
            written: dict[str, Value] = json_row(row) | dict(probe.written)
            yield Case(written, tuple(scores.tolist()), probe.kind, probe.note)


def _scores(version: Version, rows: pl.DataFrame) -> NDArray[np.float64]:
    """Shape (rows, scores). Values at the ends of what a float holds overflow, which is no news."""
    if rows.height == 0:
        return np.empty((0, 1))
    with np.errstate(all="ignore"):
        scores = version.predict(rows)
    return scores.reshape(rows.height, -1)


def _distinct(cases: Iterable[Case]) -> list[Case]:
    """Each row once, the first that has it."""
    found: dict[bytes, Case] = {}
    for case in cases:
        found.setdefault(msgspec.json.encode(case.row), case)
    return [*found.values()]
