"""The queries tried at the frames of a first refresh, before anything is written."""

import datetime as dt
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from model_refresh.engines.identifiers import quoted
from model_refresh.errors import DataError
from model_refresh.scaffold.facts import Table, answers
from model_refresh.scaffold.queries import Queries
from model_refresh.scaffold.roles import Roles
from model_refresh.scaffold.timing import DAY, WINDOW, Timing
from model_refresh.splits import Sizes, first_refresh, matured, plan_frames

_MANY_ROWS = 2_000_000
_FEW_FRAMES, _MOST_FRAMES = 5, 8
_ROWS_WANTED = 2_000
_HOLDOUT_ROWS = 150
_FEWEST_ROWS = 20
_USUAL_MIN_ROWS = 100
_EVENT_DAYS = 5
_LONGEST_WINDOW = 52
_ROOM = 1.5
_USUAL_FACTOR = 2.0
_RECENT = 4
_MOSTLY_NULL = 0.9


@dataclass(frozen=True)
class Seen:
    """One frame as the queries give it; `mean` and `spread` of its labels, None without one."""

    as_of: dt.datetime
    rows: int
    labelled: int
    mean: float | None
    spread: float
    nulls: float


@dataclass(frozen=True)
class Settings:
    """What the declaration has to say so that these data pass; None is the default."""

    window: int | None = None
    holdout: int | None = None
    group_by_key: bool = False
    min_rows: int | None = None
    row_count_factor: float | None = None
    label_level_factor: float | None = None
    max_null_share: float | None = None


def try_queries(table: Table, roles: Roles, timing: Timing, queries: Queries) -> Settings:
    """Run the queries where the first refresh would, and fit the settings to what they give.

    Raises EngineError where a query fails, DataError where nothing could be learned: the sentence
    says what to give.
    """
    trial = _Trial(table, roles, timing, queries)
    usual = trial.look(timing.sizes())
    labelled = [seen.labelled for seen in usual if seen.mean is not None]
    sizes = _sizes(timing, max(1.0, statistics.median(labelled or [1])), roles)
    seen = usual if sizes == timing.sizes() else trial.look(sizes)
    _require_learnable(seen, sizes, roles)
    smallest = min(s.labelled for s in seen if s.mean is not None) * sizes.holdout
    return Settings(
        window=None if sizes.window == WINDOW else sizes.window,
        holdout=None if sizes.holdout == 1 else sizes.holdout,
        group_by_key=roles.shape == "events" and timing.step < DAY,
        min_rows=None if smallest >= _USUAL_MIN_ROWS else max(1, smallest // 2),
        row_count_factor=_factor([float(s.rows) for s in seen]),
        label_level_factor=_level_factor(seen, roles),
        max_null_share=1.0 if max(s.nulls for s in seen) > _MOSTLY_NULL else None,
    )


@dataclass(frozen=True)
class _Trial:
    """The queries, and the data that they are tried on."""

    table: Table
    roles: Roles
    timing: Timing
    queries: Queries
    found: dict[dt.datetime, Seen] = field(default_factory=dict)

    def look(self, sizes: Sizes) -> list[Seen]:
        """What the frames of the newest refresh give, oldest first; of large data some of them."""
        cadence, newest = self.timing.cadence, self.timing.newest
        plan = plan_frames(newest, cadence=cadence, sizes=sizes)
        instants = sorted({*plan.tuning, *plan.trial, *plan.final, *plan.holdout, newest})
        most = _FEW_FRAMES if self.table.rows > _MANY_ROWS else _MOST_FRAMES
        if len(instants) > most:
            spaced = instants[:: math.ceil(len(instants) / most)]
            instants = sorted({*spaced, *plan.holdout, newest})
        known = set(matured(cadence, newest, sizes))
        return [self._seen(at, is_known=at in known) for at in instants]

    def _seen(self, as_of: dt.datetime, *, is_known: bool) -> Seen:
        if as_of in self.found:
            return self.found[as_of]
        until, after = as_of + self.timing.horizon, self.timing.cadence.next(as_of)
        instants = {"as_of": as_of, "next": after, "until": until}
        select = self._labelled_sql() if is_known else f"{self._frame_sql()} FROM frame"
        (met,) = answers(self.table.engine, f"WITH {self._frame_cte()}{select}", instants)
        row = dict(met)
        labelled, mean, spread = [row.pop(name, None) for name in ("labelled", "mean", "spread")]
        rows, *known = [int(str(each)) for each in row.values()]
        self.found[as_of] = Seen(
            as_of=as_of,
            rows=rows,
            labelled=int(str(labelled or 0)),
            mean=None if mean is None else float(str(mean)),
            spread=float(str(spread or 0.0)),
            nulls=1 - min(known) / rows if rows else 0.0,
        )
        return self.found[as_of]

    def _frame_cte(self) -> str:
        return f"frame AS MATERIALIZED (\n{self.queries.features}\n)"

    def _frame_sql(self) -> str:
        return " SELECT count(*) AS rows, count(COLUMNS(*))"

    def _labelled_sql(self) -> str:
        label = f"label.{quoted(self.queries.label)}::DOUBLE"
        number = "1.0" if self.roles.task == "multiclass" else label
        using = ", ".join(quoted(name) for name in self.queries.key)
        return (
            f", label AS (\n{self.queries.labels}\n), met AS (SELECT count(*) AS labelled, "
            f"avg({number}) AS mean, stddev_pop({number}) AS spread "
            f"FROM frame JOIN label USING ({using}))\n"
            f"SELECT * FROM met, ({self._frame_sql()} FROM frame)"
        )


def _sizes(timing: Timing, rows: float, roles: Roles) -> Sizes:
    """Enough frames for some thousand rows to learn from, and for a holdout that can tell."""
    holdout = math.ceil(_HOLDOUT_ROWS / rows)
    if roles.shape == "events" and timing.step == DAY:
        holdout = max(holdout, _EVENT_DAYS + 2)
    window = min(_LONGEST_WINDOW, max(WINDOW, math.ceil(_ROWS_WANTED / rows), 2 * holdout))
    available = timing.cadence.count(timing.newest)
    holdout = max(1, min(holdout, available // 5))
    while True:
        sizes = timing.sizes(window=window, holdout=holdout, validation=min(holdout, window // 2))
        if holdout == 1 or first_refresh(timing.cadence, sizes) <= timing.newest:
            return sizes
        holdout -= 1


def _require_learnable(seen: Sequence[Seen], sizes: Sizes, roles: Roles) -> None:
    if empty := [each.as_of for each in seen if not each.rows]:
        raise DataError(
            f"the frame of {empty[0]:%Y-%m-%d %H:%M} has no rows: the data have a gap there; give "
            "another --every, or data without it",
            check="row_count",
        )
    known = [each for each in seen if each.mean is not None]
    newest = known[-sizes.holdout :]
    rows = sum(each.labelled for each in newest)
    if rows < _FEWEST_ROWS:
        raise DataError(
            f"the newest {sizes.holdout} frames have {rows} labelled rows, too few to judge by; "
            "give a longer --every, or more data",
            check="minimum_rows",
        )
    if roles.task != "binary":
        return
    for part in (newest, known[: -sizes.holdout] or known):
        ones = sum((each.mean or 0.0) * each.labelled for each in part)
        if not 0 < ones < sum(each.labelled for each in part):
            only = 1 if ones else 0
            raise DataError(
                f"every label of the frames from {part[0].as_of:%Y-%m-%d} to "
                f"{part[-1].as_of:%Y-%m-%d} is {only}: nothing can be told apart; give another "
                "--label, or another --horizon",
                check="both_classes",
            )


def _factor(values: Sequence[float]) -> float | None:
    """By how much values may differ from the last ones, with room; None: by the default."""
    worst = 1.0
    for place in range(1, len(values)):
        usual = statistics.median(values[max(0, place - _RECENT) : place])
        if usual > 0 and values[place] > 0:
            worst = max(worst, values[place] / usual, usual / values[place])
    return _rounded(worst)


def _level_factor(seen: Sequence[Seen], roles: Roles) -> float | None:
    known = [each for each in seen if each.mean is not None]
    if roles.task == "binary":
        return _factor([max(each.mean or 0.0, 1 / (2 * each.labelled)) for each in known])
    if roles.task == "multiclass":
        return None
    worst = 0.0
    for place in range(1, len(known)):
        before = known[max(0, place - _RECENT) : place]
        usual = statistics.median(each.mean or 0.0 for each in before)
        spread = statistics.median(each.spread for each in before)
        moved = abs((known[place].mean or 0.0) - usual)
        worst = max(worst, moved / spread if spread else 0.0)
    return _rounded(1 + worst)


def _rounded(worst: float) -> float | None:
    """Half as much again as was seen, in halves; None where the default allows that."""
    if worst <= _USUAL_FACTOR / 1.25:
        return None
    return min(1000.0, math.ceil(2 * worst * _ROOM) / 2)
