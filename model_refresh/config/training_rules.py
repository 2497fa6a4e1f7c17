"""Rules on what is declared of training, and of the candidates for a task."""

from collections.abc import Iterator, Sequence

from model_refresh.calibration import methods
from model_refresh.config.ensemble import Ensemble
from model_refresh.config.messages import Problem, dotted, not_accepted
from model_refresh.config.reader import Path
from model_refresh.config.recalibrated import Recalibrated
from model_refresh.config.training import AnyCandidate, TrainingSpec
from model_refresh.records import Task

YARDSTICK = "constant"
_AT: Path = ("training", "candidates")


def training_rules(training: TrainingSpec) -> Iterator[Problem]:
    """What must hold of the windows, and of the list of candidates."""
    shortest = min(training.window)
    for name in ("min_frames", "validation"):
        if (size := getattr(training, name)) > shortest:
            yield Problem(
                ("training", name),
                f"training.{name} is {size}; accepted: at most training.window, {shortest}",
            )
    listed = [candidate.algorithm for candidate in training.candidates]
    for number, name in enumerate(listed):
        if name in listed[:number]:
            path: Path = (*_AT, number)
            yield Problem(path, f"{dotted(path)}: {name} is listed already; list it once")
    if not any(each.algorithm != YARDSTICK for each in training.searched):
        yield Problem(
            _AT,
            f"training.candidates has nothing but {_spoken(listed)}: list an algorithm too, such "
            f"as lightgbm. The {YARDSTICK} is a yardstick that is never promoted, and the others "
            "are made of algorithms",
        )


def candidate_rules(task: Task, training: TrainingSpec) -> Iterator[Problem]:
    """What must hold of candidates and calibration for this task."""
    for number, candidate in enumerate(training.candidates):
        path: Path = (*_AT, number)
        for message in _against(candidate, task):
            yield Problem(path, f"{dotted(path)}: {message}")
    accepted = methods(task)
    if training.calibration not in ("auto", *accepted):
        where: Path = ("training", "calibration")
        told = not_accepted(where, training.calibration, ("auto", *accepted))
        yield Problem(where, f"{told} (task: {task})")


def _against(candidate: AnyCandidate, task: Task) -> Iterator[str]:
    """What keeps a candidate from taking part."""
    match candidate:
        case Ensemble():
            return
        case Recalibrated():
            accepted = [name for name in methods(task) if name != "none"]
            if not accepted:
                yield f"recalibrated serves no {task} task: there is no calibration for it"
            elif candidate.method is not None and candidate.method not in accepted:
                yield f"method is {candidate.method!r}; accepted: {', '.join(accepted)}"
        case _:
            if task not in candidate.tasks():
                served = ", ".join(candidate.tasks())
                yield f"{candidate.algorithm} serves {served}; the task is {task}"


def _spoken(names: Sequence[str]) -> str:
    return " and ".join(dict.fromkeys(names))
