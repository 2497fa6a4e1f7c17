"""Golden rows as this scorer's settings take them: scored, or refused for an unknown category."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from model_refresh.scorer.formula.scoring import Scoring
from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.golden import Golden
from model_refresh.scorer.http.settings import Settings

_AT_ONCE = 20
_AROUND = len('{"rows": []}')
_BETWEEN = len(", ")


@dataclass(frozen=True)
class Expected:
    """Golden rows that are to be scored, and rows to be refused, each with the fields to name.

    `too_large` counts those that are neither, because no body may be so large.
    """

    scored: Golden
    refused: tuple[tuple[Row, tuple[str, ...]], ...]
    too_large: int


def expected(golden: Golden, scoring: Scoring, settings: Settings) -> Expected:
    """What must become of each golden row when it is asked over HTTP."""
    most = settings.body_kib * 1024
    cases = [case for case in golden.cases if size(case.row) <= most]
    is_refusing = settings.unknown_category == "refuse"
    unknown = [tuple(scoring.unknown(case.row)) if is_refusing else () for case in cases]
    scored = [case for case, names in zip(cases, unknown, strict=True) if not names]
    refused = [(case.row, names) for case, names in zip(cases, unknown, strict=True) if names]
    too_large = len(golden.cases) - len(cases)
    return Expected(replace(golden, cases=tuple(scored)), tuple(refused), too_large)


def batches(rows: Sequence[Row], settings: Settings) -> Iterator[list[Row]]:
    """The rows in order, as many at once as one request may have, and no more than are handy."""
    most_bytes, most_rows = settings.body_kib * 1024 - _AROUND, min(_AT_ONCE, settings.batch_rows)
    batch: list[Row] = []
    taken = 0
    for row in rows:
        own = size(row) + _BETWEEN
        if batch and (len(batch) == most_rows or taken + own > most_bytes):
            yield batch
            batch, taken = [], 0
        if own <= most_bytes:
            batch.append(row)
            taken += own
    if batch:
        yield batch


def size(row: Row) -> int:
    """The bytes of a row as it is asked."""
    return len(json.dumps(row).encode())
