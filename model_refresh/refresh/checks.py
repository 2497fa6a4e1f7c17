"""What must be true of frames and labels before anything learns from them.

Pure functions from facts to results, each with its sentence. A failed check stops the step before
its table is recorded, so a damaged feed never becomes history: repair it and run again.
"""

import difflib
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from model_refresh.errors import DataError
from model_refresh.records import CheckResult, Column, Frame, Labels

_WIDER = {("integer", "number")}
_SHOWN = 5
_STANDARD_ERRORS = 4.0


@dataclass(frozen=True)
class FrameFacts:
    """What one scan of a frame's table counts; by column where it is a dict."""

    rows: int
    duplicated_keys: int
    null_keys: int
    outside_window: int
    nulls: dict[str, int]
    infinities: dict[str, int]


def require(results: Sequence[CheckResult], *, about: str) -> None:
    """Raise DataError with every failed check's sentence."""
    failed = [result for result in results if result.outcome == "failed"]
    if failed:
        sentences = "; ".join(result.sentence for result in failed)
        raise DataError(f"{about}: {sentences}", check=failed[0].name)


def key_check(facts: FrameFacts, key: Sequence[str]) -> CheckResult:
    """Every row has its own key (F19)."""
    name = ", ".join(key)
    if facts.null_keys:
        return _failed("unique_key", f"{facts.null_keys} rows have no {name}: filter them out")
    if facts.duplicated_keys:
        return _failed(
            "unique_key",
            f"{facts.duplicated_keys} of {facts.rows} rows repeat the {name} of another row: "
            "a join multiplies rows; aggregate it to one row a key",
        )
    return _passed("unique_key", f"each of {facts.rows} rows has its own {name}")


def window_check(facts: FrameFacts, event_time: str) -> CheckResult:
    """Every event lies in [as_of, next)."""
    if facts.outside_window:
        return _failed(
            "event_window",
            f"{facts.outside_window} rows have {event_time} outside of [$as_of, $next): "
            "select WHERE it is at or after $as_of and before $next",
        )
    return _passed("event_window", f"every {event_time} lies in the frame's window")


def null_check(facts: FrameFacts, max_share: float) -> CheckResult:
    """No column is emptier than the policy allows (F16)."""
    allowed = max_share * facts.rows
    empty = {column: count for column, count in facts.nulls.items() if count > allowed}
    if facts.rows and empty:
        found = _listed([f"{column} ({count})" for column, count in empty.items()])
        return _failed(
            "nulls",
            f"more than {max_share:.0%} of {facts.rows} rows are null in {found}; "
            "mend the source or raise checks.max_null_share",
        )
    return _passed("nulls", f"no column has more than {max_share:.0%} nulls")


def infinity_check(facts: FrameFacts) -> CheckResult:
    """No feature is infinite (F16)."""
    found = {column: count for column, count in facts.infinities.items() if count}
    if found:
        listed = _listed([f"{column} ({count} rows)" for column, count in found.items()])
        return _failed(
            "infinities", f"infinite values in {listed}: divide by nullif(..., 0) in the query"
        )
    return _passed("infinities", "every number is finite or null")


def schema_check(
    columns: Sequence[Column], previous: Sequence[Column], *, since: str, adopt_new: bool
) -> CheckResult:
    """No column is gone or of another type since an earlier frame of the same query (F11 to F13).

    A lossless widening and an extra column pass, and are noted.
    """
    now = {column.name: column for column in columns}
    problems, notes = [], []
    for old in previous:
        new = now.get(old.name)
        if new is None:
            problems.append(f"column {old.name!r} is gone{_near(old.name, now)}")
        elif (old.type, new.type) in _WIDER:
            notes.append(f"{old.name!r} widened from {old.type} to {new.type}")
        elif old.type != new.type:
            problems.append(f"column {old.name!r} was {old.type} and is {new.type}")
    extra = sorted(set(now) - {column.name for column in previous})
    if extra:
        use = (
            "is used once every frame of a dataset has it"
            if adopt_new
            else "is not used as a feature"
        )
        notes.append(f"new column {_listed(extra)} {use}")
    if problems:
        return _failed(
            "schema", f"{'; '.join(problems)}, compared with {since}: mend the source or the query"
        )
    if notes:
        return CheckResult(
            name="schema", outcome="noted", sentence=f"{'; '.join(notes)}, compared with {since}"
        )
    return _passed("schema", f"the same columns as {since}")


def row_count_check(rows: int, earlier: Sequence[Frame], factor: float) -> CheckResult:
    """The row count is within a factor of the last frames' median; 0 rows always fail (F14)."""
    if not rows:
        return _failed("row_count", "the frame has 0 rows: nothing to learn from or to score")
    if not earlier or not (usual := statistics.median(frame.rows for frame in earlier)):
        return _passed("row_count", f"{rows} rows, with no earlier frame to compare with")
    change = rows / usual
    sentence = (
        f"{rows} rows against {usual:.0f} in the last {len(earlier)} frames ({change - 1:+.0%})"
    )
    if not 1 / factor <= change <= factor:
        return _failed(
            "row_count",
            f"{sentence}: more than checks.row_count_factor {factor:g} allows; "
            "mend the source, or raise it if this is real",
        )
    return _passed("row_count", sentence)


def label_level_check(
    labels: Labels, earlier: Sequence[Labels], factor: float, *, classes: Sequence[str] = ()
) -> CheckResult:
    """The base rate, the mean or each class's share is near that of the last frames' labels.

    Binary: within a factor of the median rate, or within four standard errors of it, since the
    rate of a rare label jumps by chance; multiclass: each class's share alike. Regression: within
    factor - 1 standard deviations, the median of the earlier labels', of the median mean. Without
    a labelled row there is no level, and nothing to learn from (F14).
    """
    if not labels.rows:
        return _failed("label_level", "0 rows have a label: there is nothing to learn from")
    if labels.shares:
        return _shares_check(labels, earlier, factor, classes=classes)
    known = [other.mean for other in earlier]
    if not known:
        return _passed("label_level", f"label mean {labels.mean:.4g}, with none to compare with")
    usual = statistics.median(known)
    sentence = f"label mean {labels.mean:.4g} against {usual:.4g} in the last {len(known)} frames"
    if labels.spread is None:
        near = _is_near(labels.mean, usual, rows=labels.rows, factor=factor)
    else:
        spread = statistics.median(other.spread or 0.0 for other in earlier)
        near = abs(labels.mean - usual) <= (factor - 1) * spread
    return _passed("label_level", sentence) if near else _too_far(sentence, factor)


def _shares_check(
    labels: Labels, earlier: Sequence[Labels], factor: float, *, classes: Sequence[str]
) -> CheckResult:
    """Each class's share is near its median in the last frames' labels."""
    known = [other.shares for other in earlier]
    if not known:
        return _passed("label_level", "shares of the classes, with none to compare with")
    names = classes or [str(place) for place in range(len(labels.shares))]
    moved = []
    for name, share, before in zip(names, labels.shares, zip(*known, strict=True), strict=True):
        usual = statistics.median(before)
        if not _is_near(share, usual, rows=labels.rows, factor=factor):
            moved.append(f"{name} {share:.4g} against {usual:.4g}")
    about = f"in the last {len(known)} frames"
    if moved:
        return _too_far(f"shares of classes: {_listed(moved)} {about}", factor)
    return _passed("label_level", f"each class's share is near that {about}")


def _is_near(rate: float, usual: float, *, rows: int, factor: float) -> bool:
    """Whether a rate is within the factor of the usual one, or as near as chance explains."""
    by_chance = _STANDARD_ERRORS * _standard_error(max(rate, usual), rows)
    return usual / factor <= rate <= usual * factor or abs(rate - usual) <= by_chance


def _too_far(sentence: str, factor: float) -> CheckResult:
    return _failed(
        "label_level",
        f"{sentence}: more than checks.label_level_factor {factor:g} allows; "
        "mend the source, or raise it if this is real",
    )


def one_class_check(part: str, labels: Sequence[Labels]) -> CheckResult:
    """Both classes, or two at least of many, occur in a part of the dataset (F15)."""
    rows = sum(label.rows for label in labels)
    if any(label.shares for label in labels):
        shares = zip(*[label.shares for label in labels], strict=True)
        met = sum(1 for each in shares if any(each))
        sentence = f"{rows} {part} labels are of {met} classes"
        if met < 2:
            return _failed("classes", f"{sentence}: nothing can be told apart")
        return _passed("classes", sentence)
    positives = sum(label.mean * label.rows for label in labels)
    if positives <= 0 or positives >= rows:
        only = 0 if positives <= 0 else 1
        return _failed("both_classes", f"every one of the {rows} {part} labels is {only}")
    return _passed("both_classes", f"{positives:.0f} of {rows} {part} labels are 1")


def minimum_rows_check(part: str, labels: Sequence[Labels], minimum: int) -> CheckResult:
    """A part of the dataset has enough rows."""
    rows = sum(label.rows for label in labels)
    if rows < minimum:
        return _failed("minimum_rows", f"{rows} {part} rows; checks.min_rows asks for {minimum}")
    return _passed("minimum_rows", f"{rows} {part} rows")


def _standard_error(rate: float, rows: int) -> float:
    """Of a rate that was counted on that many rows."""
    return math.sqrt(rate * (1 - rate) / rows) if rows else 0.0


def _near(name: str, names: dict[str, Column]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _passed(name: str, sentence: str) -> CheckResult:
    return CheckResult(name=name, outcome="passed", sentence=sentence)


def _failed(name: str, sentence: str) -> CheckResult:
    return CheckResult(name=name, outcome="failed", sentence=sentence)
