"""The tests of a generated folder before it may serve, in a place that has nothing else.

Its own suite; its golden rows and rows of the current frame, asked over HTTP and compared with a
batch; and the time that a request takes. Each ends in one sentence.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException

import msgspec

from model_refresh.records import CheckResult
from model_refresh.scorer.formula.errors import ScorerError
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.golden import CLOSE_ENOUGH, Answer, Golden
from model_refresh.scorer.http.settings import Settings
from model_refresh.scorer.manifest import FORMULA, GOLDEN, SETTINGS
from model_refresh.serving.conformance.cleanroom import Room, Unpinned, clean_room
from model_refresh.serving.conformance.groups import Ended, run_group
from model_refresh.serving.conformance.latency import ROUNDS, measure
from model_refresh.serving.folder.assembly import REQUIREMENTS, TEST_REQUIREMENTS
from model_refresh.serving.folder.suite.client import Client, Unanswered
from model_refresh.serving.folder.suite.policy import Expected, expected
from model_refresh.serving.folder.suite.started import NotStarted, started

SUITE, GOLDEN_ROWS, AGREEMENT, LATENCY = "suite", "golden", "batch_agreement", "latency"
SUITE_SECONDS = 300.0

_PASSED = re.compile(r"(\d+) passed")
_FIRST_FAILURE = re.compile(r"^(?:FAILED|ERROR) .*$", re.MULTILINE)
_WIDE = {"COLUMNS": "400"}
_MOST_SAID = 400
_UNANSWERED = (NotStarted, OSError, HTTPException)


@dataclass(frozen=True)
class Findings:
    """The answer of each test, in order, and what was measured."""

    checks: tuple[CheckResult, ...]
    figures: dict[str, float] = field(default_factory=dict)


def try_folder(files: Mapping[str, bytes], batch: Golden, *, latency_ms: float) -> Findings:
    """Run every test of a folder given as bytes by path.

    `batch` has rows of the frame that is scored now, with the scores of a batch.
    """
    with clean_room(files) as room:
        suite = _suite(room)
        asked = _asked(room, batch, latency_ms)
    return Findings((*suite.checks, *asked.checks), suite.figures | asked.figures)


def _suite(room: Room) -> Findings:
    try:
        python = room.python(TEST_REQUIREMENTS)
    except (Unpinned, OSError) as error:
        return Findings((_failed(SUITE, f"the folder's own suite can't run: {error}"),))
    ended = run_group(
        [python, "-m", "pytest", "--color=no", "--tb=short"],
        folder=room.folder,
        environment={**room.variables, **_WIDE},
        seconds=SUITE_SECONDS,
    )
    passed = _PASSED.search(ended.told)
    if ended.code != 0 or passed is None:
        return Findings((_failed(SUITE, _why(ended)),))
    told = f"the folder's own suite passes in a clean environment: {passed[1]} tests"
    return Findings((_passed(SUITE, told),), {"suite_tests": float(passed[1])})


def _why(ended: Ended) -> str:
    """Why the suite did not pass, with the first failure that it tells of."""
    if ended.code is None:
        return f"the folder's own suite took longer than {SUITE_SECONDS:g} s and was ended"
    lines = ended.told.strip().splitlines() or ["it told nothing"]
    first = _FIRST_FAILURE.search(ended.told)
    told = " ".join((first[0] if first else lines[-1]).split())
    return f"the folder's own suite fails ({lines[-1].strip('= ')}): {told}"


def _asked(room: Room, batch: Golden, latency_ms: float) -> Findings:
    """The tests over HTTP; where there is no answer, each says so."""
    try:
        own, drawn = _expected(room, batch)
        python = room.python(REQUIREMENTS)
        with started(room.folder, python=python, environment=room.variables) as url:
            client = Client(url)
            try:
                return _answers(client, own, drawn, latency_ms=latency_ms)
            finally:
                client.close()
    except (*_UNANSWERED, Unpinned, ScorerError, msgspec.DecodeError) as error:
        names = (GOLDEN_ROWS, AGREEMENT, LATENCY)
        told = str(error) or type(error).__name__
        return Findings(
            tuple(_failed(name, f"the scorer could not be asked: {told}") for name in names)
        )


def _expected(room: Room, batch: Golden) -> tuple[Expected, Expected]:
    """What must become of the folder's golden rows, and of those of the batch."""
    scoring = Formula.decode((room.folder / FORMULA).read_bytes()).ready()
    settings = msgspec.json.decode((room.folder / SETTINGS).read_bytes(), type=Settings)
    own = Golden.decode((room.folder / GOLDEN).read_bytes())
    return expected(own, scoring, settings), expected(batch, scoring, settings)


def _answers(client: Client, own: Expected, drawn: Expected, *, latency_ms: float) -> Findings:
    golden = _agreement(client, own, name=GOLDEN_ROWS, what="golden rows")
    agreement = _agreement(client, drawn, name=AGREEMENT, what="rows of the current frame")
    latency = _latency(client, drawn if drawn.scored.cases else own, latency_ms)
    parts = (golden, agreement, latency)
    figures = {name: value for part in parts for name, value in part.figures.items()}
    return Findings(tuple(check for part in parts for check in part.checks), figures)


def _agreement(client: Client, asked: Expected, *, name: str, what: str) -> Findings:
    answers: list[Answer] = []

    def score(row: Row) -> Answer:
        answers.append(client.score(row))
        return answers[-1]

    cases = asked.scored.cases
    if asked.too_large and (name == AGREEMENT or not cases):
        told = f"{asked.too_large:,} {what} are larger than realtime.body_kib lets a request be"
        return Findings((_failed(name, told),))
    if name == GOLDEN_ROWS and not cases:
        return Findings((_failed(name, "there is no golden row that is scored"),))
    wrong = asked.scored.disagreements(score)
    if wrong:
        told = f"{len(wrong)} of {len(cases):,} {what} are answered otherwise than in a batch: "
        return Findings((_failed(name, told + wrong[0]),))
    furthest = asked.scored.furthest(answers)
    refused = f"; {len(asked.refused):,} have a category that is refused" if asked.refused else ""
    refused += f"; {asked.too_large:,} are too large to ask" if asked.too_large else ""
    told = (
        f"{len(cases):,} {what} are answered over HTTP as in a batch, the furthest {furthest:.2g} "
        f"apart where {CLOSE_ENOUGH:g} is allowed{refused}"
    )
    figures = {f"{name}_rows": float(len(cases)), f"{name}_furthest": furthest}
    return Findings((_passed(name, told),), figures)


def _latency(client: Client, asked: Expected, latency_ms: float) -> Findings:
    if not asked.scored.cases:
        return Findings((_failed(LATENCY, "there is no row that is scored, so nothing to time"),))
    try:
        took = measure(client, asked.scored.rows)
    except Unanswered as error:
        return Findings((_failed(LATENCY, f"a request that was timed was refused: {error}"),))
    told = (
        f"99 of 100 requests of one row take at most {took.p99:.2f} ms (half of them "
        f"{took.p50:.2f}), in the best of {ROUNDS} rounds of {took.requests}; realtime.latency_ms "
    )
    figures = {"latency_p50_ms": took.p50, "latency_p99_ms": took.p99}
    if took.p99 > latency_ms:
        return Findings((_failed(LATENCY, f"{told}allows {latency_ms:g}"),), figures)
    return Findings((_passed(LATENCY, f"{told}allows {latency_ms:g}"),), figures)


def _passed(name: str, sentence: str) -> CheckResult:
    return CheckResult(name=name, outcome="passed", sentence=sentence)


def _failed(name: str, sentence: str) -> CheckResult:
    """The answer that stops a promotion; what an error tells can be long."""
    told = " ".join(sentence.split())
    cut = told if len(told) <= _MOST_SAID else f"{told[:_MOST_SAID]}..."
    return CheckResult(name=name, outcome="failed", sentence=cut)
