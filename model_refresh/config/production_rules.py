"""What must hold where a champion is also deployed as a scorer, or its batches have a sink."""

import re
from collections.abc import Iterator, Mapping

from model_refresh.config.declaration import FrameSpec, LabelSpec
from model_refresh.config.ensemble import Ensemble
from model_refresh.config.messages import Problem, dotted
from model_refresh.config.production import Deploy, ScoresSpec
from model_refresh.config.reader import Path
from model_refresh.config.recalibrated import Recalibrated
from model_refresh.config.training import TrainingSpec
from model_refresh.sinks.columns import name_problems, score_columns

_WITH_PASSWORD = re.compile(r"//[^/@]*:(?!\$\{\w+\}@)[^/@]+@|[?&](ssl)?password=(?!\$\{)")


def deploy_rules(deploy: Deploy, training: TrainingSpec) -> Iterator[Problem]:
    """Each candidate that no scorer can be generated of, where one is asked for."""
    if "realtime" not in deploy:
        return
    for number, candidate in enumerate(training.candidates):
        if isinstance(candidate, Ensemble | Recalibrated) or candidate.has_form:
            continue
        path: Path = ("training", "candidates", number)
        yield Problem(
            path,
            f"{dotted(path)}: what {candidate.algorithm} learns can't be written out as a scorer, "
            "which deploy: [batch, realtime] asks for: leave it out, or realtime out of deploy",
        )


def sink_rules(frame: FrameSpec, label: LabelSpec, scores: ScoresSpec) -> Iterator[Problem]:
    """Each column that the sink's table can't have under its name."""
    if scores.sink is None:
        return
    names = score_columns(label.classes)
    for message in name_problems(frame.key, names, scores.sink.longest_name):
        yield Problem(("scores", "sink"), f"scores.sink: {message}", at_key=True)


def exposed_secrets(declared: Mapping[str, object]) -> Iterator[Problem]:
    """A password that stands in the sink's url, of a declaration as it was written."""
    scores = declared.get("scores")
    sink = scores.get("sink") if isinstance(scores, dict) else None
    url = sink.get("url") if isinstance(sink, dict) else None
    if isinstance(url, str) and _WITH_PASSWORD.search(url):
        yield Problem(
            ("scores", "sink", "url"),
            "scores.sink.url holds a password, and this file is read by many: put the url into the "
            "environment and write ${NAME} here",
        )
