"""A step's record in a few words, for the line or row that tells of its end."""

from functools import singledispatch

from model_refresh.metrics import metric
from model_refresh.records import (
    Candidate,
    Challenger,
    Comparison,
    Conformance,
    Dataset,
    Promotion,
    Record,
    ReportFile,
    Scorer,
    TrialScores,
    Verdict,
)
from model_refresh.storage.store import stamp


@singledispatch
def remark(record: Record, primary: str) -> str:
    """What is worth saying of a record; `primary` is the metric that decides."""
    raise NotImplementedError(f"{type(record).__name__} is no step's record")


@remark.register
def _(record: Dataset, primary: str) -> str:
    rows = sum(pair.labels.rows for pair in record.frames)
    holdout = ", ".join(stamp(instant) for instant in record.plan.holdout)
    noted = [check.sentence for check in record.checks if check.outcome == "noted"]
    said = f"{rows:,} labelled rows in {len(record.frames)} frames, holdout {holdout}"
    return "; ".join([said, *record.plan.notes, *noted])


@remark.register
def _(record: Candidate, primary: str) -> str:
    if record.failure is not None:
        return f"failed: {record.failure}"
    if record.dropped is not None:
        return f"left out: {record.dropped}"
    trials = f"{len(record.trials)} trial{'' if len(record.trials) == 1 else 's'}"
    cut = "" if record.repeatable else ", cut short by tuning.seconds: can't be repeated exactly"
    value = record.validation[primary]
    return f"{metric(primary).label} {value:.4g} on validation, {trials}{cut}"


@remark.register
def _(record: Comparison, primary: str) -> str:
    return "; ".join([_met(record, primary), *record.notes])


@remark.register
def _(record: Verdict, primary: str) -> str:
    return record.decision


@remark.register
def _(record: ReportFile, primary: str) -> str:
    return f"{record.size_bytes / 1e3:,.0f} kB"


@remark.register
def _(record: Challenger, primary: str) -> str:
    if record.version is None:
        return "none: the gates did not let it pass"
    return "; ".join([record.version, *[check.sentence for check in record.checks]])


@remark.register
def _(record: TrialScores, primary: str) -> str:
    return record.sentence


@remark.register
def _(record: Scorer, primary: str) -> str:
    return "none: there is no challenger" if record.content is None else record.content[:16]


@remark.register
def _(record: Conformance, primary: str) -> str:
    return record.sentence


@remark.register
def _(record: Promotion, primary: str) -> str:
    champion = record.champion or "none yet"
    return (
        f"{champion}; the challenger waits for approval" if record.decision == "wait" else champion
    )


def _met(record: Comparison, primary: str) -> str:
    if record.trial is None:
        return "no candidate could be fitted"
    judged, incumbent = record.metrics[primary], record.incumbent
    values = [("the constant's", judged.constant), ("the incumbent's", judged.incumbent)]
    against = " and ".join(f"{whose} {value:.4g}" for whose, value in values if value is not None)
    said = f"{record.challenger} {metric(primary).label} {judged.challenger:.4g} against {against}"
    why = incumbent and incumbent.incomparable
    return f"{said} on {record.rows:,} rows{f'; incomparable: {why}' if why else ''}"
