"""What `why` tells of a trial batch."""

from collections.abc import Iterator

from model_refresh.records import ScoreShift, TrialScores, Verdict
from model_refresh.storage import ModelStore


def trial_of(store: ModelStore, verdict: Verdict) -> TrialScores | None:
    """The newest trial of a challenger that this verdict let pass; None where there is none."""
    bound = verdict.digest()
    challengers = {
        line.record.digest()
        for line in store.challengers(verdict.as_of).lines()
        if line.record.verdict == bound
    }
    for line in reversed(store.trial_scores(verdict.as_of).lines()):
        if line.record.challenger in challengers and line.record.version is not None:
            return line.record
    return None


def trial_lines(trial: TrialScores | None) -> Iterator[str]:
    """Both shifts, and a sentence a check; nothing where nothing was tried."""
    if trial is None:
        return
    yield f"\ntrial batch: {trial.sentence}"
    for about, lines in (("population", trial.population), ("model", trial.shift)):
        for each in lines:
            yield f"  {about} shift of {each.column}: {_figures(each)}"
    for check in trial.checks:
        yield f"  {check.name}: {check.outcome}: {check.sentence}"
    for note in trial.notes:
        yield f"  {note}"


def _figures(shift: ScoreShift) -> str:
    told = f"mean {shift.mean_before:.4g} to {shift.mean_after:.4g}, PSI {shift.psi:.3g}"
    told += f", Wasserstein {shift.wasserstein:.3g}"
    if shift.correlation is None:
        return told
    return f"{told}, rank correlation {shift.correlation:.3f}"
